"""Keeps segments as they are while somebody reads many of them by name."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from equerry import clock
from equerry.archive import read
from equerry.archive.read import Segment

# Whoever holds a segment of a past hour closes it: seconds for a big one.
PATIENCE_SECONDS = 5.0
_ASK_AGAIN_SECONDS = 0.05


@contextmanager
def held(root: Path, now_ms: int) -> Iterator[list[Segment]]:
    """Yield all segments; those of past hours that are still open are not closed meanwhile.

    A shared lock on each, which the closing respects and does without. Segments of this hour have
    none: their writers would wait, and nobody closes them. Limits: a segment that stays locked for
    PATIENCE_SECONDS is yielded all the same, retention may remove old ones, and a process has only
    so many descriptors: what they do not suffice for is not held.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    with ExitStack() as locks:
        known: set[Path] = set()
        while True:
            found = read.segments(root)
            past = [each.path for each in found if not each.closed and _past(each, now_ms)]
            missing = [path for path in past if path not in known]
            known.update(path for path in missing if _hold(path, locks))
            if known.issuperset(missing) or time.monotonic() > deadline:
                break
            time.sleep(_ASK_AGAIN_SECONDS)
        yield found


def _past(segment: Segment, now_ms: int) -> bool:
    return f"{segment.day}T{segment.hour}" < clock.hour(now_ms)


def _hold(path: Path, locks: ExitStack) -> bool:
    """Take the lock; False where the segment is being closed, or is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        return error.errno == errno.EMFILE
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    locks.callback(os.close, descriptor)
    return os.fstat(descriptor).st_nlink > 0
