"""Numbered places that processes hold by a file lock: the kernel tells who is alive.

A process that dies by any means lets go of its lock at once, so there is no timeout to guess and
no heartbeat to miss. Limits: the lock files must lie on a local disk (NFS locks differ), and a
number says nothing about processes on other machines.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _lock(path: Path) -> int | None:
    """Return a descriptor that holds the lock, or None where another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class Slots:
    """The slots of one folder; each is a file `<number>.lock`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[int, int] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(self) -> int:
        """Hold the lowest free number for the life of this process (or until `release`)."""
        number = 1
        while True:
            descriptor = _lock(self._path(number))
            if descriptor is not None:
                self._held[number] = descriptor
                return number
            number += 1

    def release(self, number: int) -> None:
        """Let go of a number that `take` returned."""
        os.close(self._held.pop(number))

    @contextmanager
    def borrow(self, number: int) -> Iterator[bool]:
        """Hold another's number for a moment: yields False where its holder is alive."""
        descriptor = _lock(self._path(number))
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.lock"
