"""Appending to the archive: one file per kind, hour and consumer, fsynced before anything counts.

`<root>/<kind>/<date>/<hour>-<consumer>.jsonl`. An open segment is locked, so that nothing closes it
under its writer; a drain opens its segments and lets go of them when it ends.
"""

import fcntl
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from equerry import clock
from equerry.durable import cut_torn_line, fsync, write_all
from equerry.errors import ArchiveFull


class Writer:
    """One consumer's segments. Not for several threads."""

    def __init__(self, root: Path, consumer: str) -> None:
        self._root = root
        self._consumer = consumer
        self._open: dict[str, tuple[Path, int]] = {}

    def append(self, lines: Mapping[str, Sequence[bytes]], now_ms: int) -> None:
        """Append the lines (each ends in a newline) of each kind and fsync, all or nothing.

        Raises ArchiveFull where the disk refuses; then no line of this call is kept.
        """
        sizes: list[tuple[int, int]] = []
        try:
            for kind, of_kind in lines.items():
                descriptor = self._segment(kind, now_ms)
                sizes.append((descriptor, os.fstat(descriptor).st_size))
                write_all(descriptor, b"".join(of_kind))
            for descriptor, _ in sizes:
                os.fsync(descriptor)
        except OSError as error:
            for descriptor, size in sizes:
                os.ftruncate(descriptor, size)
            raise ArchiveFull(f"the archive's disk refuses: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the open segments; the next append opens them again."""
        for _, descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _segment(self, kind: str, now_ms: int) -> int:
        name = f"{clock.hour(now_ms)[11:]}-{self._consumer}.jsonl"
        path = self._root / kind / clock.day(now_ms) / name
        known = self._open.get(kind)
        if known is not None:
            if known[0] == path:
                return known[1]
            os.close(known[1])
            del self._open[kind]
        descriptor = _open_locked(path)
        self._open[kind] = (path, descriptor)
        return descriptor


def _not_closed(path: Path) -> Path:
    """Return the path or, where an hour was closed and the clock came back to it, `…+1.jsonl`."""
    numbered = (path.with_stem(f"{path.stem}+{number}") for number in itertools.count(1))
    return next(
        name
        for name in itertools.chain([path], numbered)
        if not name.with_name(f"{name.name}.zst").exists()
    )


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _open_locked(hour: Path) -> int:
    """Open for appending and lock. A line that a kill tore is cut: it was never committed."""
    hour.parent.mkdir(parents=True, exist_ok=True)
    while True:
        path = _not_closed(hour)
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Closed (compressed and removed) before the lock was held: open the next one. Whoever
        # closes it holds the lock from the first byte to the removal, so both are settled now.
        is_there = _is_at(path, descriptor)
        if is_there and _not_closed(hour) == path:
            break
        if is_there and not os.fstat(descriptor).st_size:
            path.unlink()  # made by the open above, beside the compressed one
        os.close(descriptor)
    if fresh:
        fsync(path.parent)
        fsync(path.parent.parent)
    cut_torn_line(descriptor)
    return descriptor
