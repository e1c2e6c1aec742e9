"""Opens files that somebody else may have put there: a link is not followed, a pipe not waited for.

Source: open(2). `O_NONBLOCK` does nothing to a regular file.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

NO_FILE = "it is no file, but a link or something else"


def opened(path: Path) -> BinaryIO:
    """Open a regular file for reading. Raises OSError, for anything else at once."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise OSError(error.errno, NO_FILE) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, NO_FILE)
    return os.fdopen(descriptor, "rb")
