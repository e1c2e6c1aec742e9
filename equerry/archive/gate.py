"""The gate between the drains and a rebuild of the index: any number of drains, or one rebuild.

Two file locks in the data directory. A drain passes the `wanted` lock and holds the `gate` lock
while it works; a rebuild holds both. So drains that run are waited for, and none that comes later
can keep the rebuild waiting. A process that dies lets go of its locks at once.

Limit: the locks bind the processes of one data directory. Drains of another machine do not see
them; `equerry.issues.reindex` looks for such machines on its own.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from equerry.errors import ArchiveFull

# A drain ends its turn after 2 s, and a batch of 8 MiB takes less than that on a slow disk.
WAIT_SECONDS = 10.0
_ASK_AGAIN_SECONDS = 0.02


@contextmanager
def passing(data: Path) -> Iterator[bool]:
    """Hold the gate open for one drain; yields False at once where a rebuild has it or wants it.

    Raises ArchiveFull where the disk has no room for the lock itself.
    """
    try:
        folder = _folder(data)
        with _locked(folder / "wanted.lock", fcntl.LOCK_SH, 0.0) as free:
            gate = _take(folder / "gate.lock", fcntl.LOCK_SH, 0.0) if free else None
    except OSError as error:
        raise ArchiveFull(f"the data directory's disk refuses: {error.strerror}") from error
    try:
        yield gate is not None
    finally:
        if gate is not None:
            os.close(gate)


@contextmanager
def shut(data: Path, wait_seconds: float = WAIT_SECONDS) -> Iterator[bool]:
    """Keep every drain out; yields False where one, or another rebuild, did not end in time."""
    folder = _folder(data)
    deadline = time.monotonic() + wait_seconds
    with _locked(folder / "wanted.lock", fcntl.LOCK_EX, wait_seconds) as wanted:
        if not wanted:
            yield False
            return
        left = max(0.0, deadline - time.monotonic())
        with _locked(folder / "gate.lock", fcntl.LOCK_EX, left) as mine:
            yield mine


def _folder(data: Path) -> Path:
    folder = data / "gate"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextmanager
def _locked(path: Path, how: int, wait_seconds: float) -> Iterator[bool]:
    descriptor = _take(path, how, wait_seconds)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _take(path: Path, how: int, wait_seconds: float) -> int | None:
    """Return a descriptor that holds the lock, or None where it was not free in time."""
    deadline = time.monotonic() + wait_seconds
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(_ASK_AGAIN_SECONDS)
        else:
            return descriptor
