"""How far a dump or a verification is: counted by its threads, told to whoever watches."""

import threading
from collections.abc import Callable

import msgspec


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of the work. bytes: of total_bytes, which is an estimate where a server gave it.

    parts: collections, or files, that are done, of total_parts. running: what is worked on now.
    """

    documents: int
    bytes: int
    total_bytes: int
    parts: int
    total_parts: int
    running: tuple[str, ...]


Watcher = Callable[[Progress], None]


def unwatched(_progress: Progress) -> None:
    """Watch nothing."""


class Counter:
    """What several threads have done. Thread-safe."""

    def __init__(self, total_parts: int, total_bytes: int) -> None:
        self._lock = threading.Lock()
        self._total_parts = total_parts
        self._total_bytes = total_bytes
        self._documents = self._bytes = self._parts = 0
        self._running: list[str] = []

    def begin(self, name: str) -> None:
        """Note what is worked on."""
        with self._lock:
            self._running.append(name)

    def add(self, documents: int, size_bytes: int) -> None:
        """Count what was done; negative where it is to be done again."""
        with self._lock:
            self._documents += documents
            self._bytes += size_bytes

    def end(self, name: str) -> None:
        """Note that a part is done."""
        with self._lock:
            self._running.remove(name)
            self._parts += 1

    def read(self) -> Progress:
        """Return how far it is."""
        with self._lock:
            return Progress(
                documents=self._documents,
                bytes=self._bytes,
                total_bytes=self._total_bytes,
                parts=self._parts,
                total_parts=self._total_parts,
                running=tuple(self._running),
            )
