"""Reads a gzip file of any number of members, in pieces of bounded size."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from isal import igzip, igzip_lib

from equerry.errors import BackupError

PIECE_BYTES = 1024 * 1024


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield what the members hold. Raises BackupError for one that is cut or damaged."""
    try:
        with igzip.IGzipFile(  # type: ignore[no-untyped-call]
            fileobj=file, mode="rb"
        ) as unpacked:
            while piece := unpacked.read(PIECE_BYTES):
                yield piece
    except EOFError as error:
        raise BackupError("it is cut inside of a gzip member") from error
    except (igzip.BadGzipFile, igzip_lib.error, zlib.error) as error:  # type: ignore[misc]
        raise BackupError(f"its gzip is damaged: {error}") from error
