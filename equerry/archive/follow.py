"""The end of the archive, as it is now and as it grows."""

import io
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from equerry import clock
from equerry.archive import hours, read
from equerry.archive import line as lines
from equerry.archive.read import OPEN, Segment
from equerry.clock import HOUR_MS

FIRST_BLOCK_BYTES = 64 * 1024
POLL_BYTES = 8 * 1024 * 1024
# Repeats come with a batch that was taken over: 500 lines of one kind, from several consumers.
REMEMBERED = 5_000


def last(root: Path, kind: str, count: int) -> list[bytes]:
    """Return the last lines of a kind, in order of `_id`; no repeats.

    Only the ends of the newest hours' segments are read, as many as it takes; of compressed
    segments the whole. Raises ArchiveDamaged.
    """
    if count <= 0:
        return []
    found: list[bytes] = []
    for _, of_hour in itertools.groupby(_newest_first(root, kind), _when):
        ends = [line for segment in of_hour for line in _end(segment, count)]
        found = _once([*sorted(ends, key=hours.place), *found])[-count:]
        if len(found) == count:
            break
    return found


def _newest_first(root: Path, kind: str) -> list[Segment]:
    return sorted(read.segments(root, kind), key=_when, reverse=True)


def _when(segment: Segment) -> tuple[str, str]:
    return segment.day, segment.hour


def _once(some: Iterable[bytes]) -> list[bytes]:
    """Return the lines without repeats; of equal ones the first stays."""
    found: dict[bytes, bytes] = {}
    for line in some:
        found.setdefault(lines.identity(line), line)
    return list(found.values())


def _end(segment: Segment, count: int) -> Iterable[bytes]:
    """Return the last whole lines of a segment, in the order that they were written."""
    if segment.closed:
        return deque(hours.whole_lines(segment), maxlen=count)
    try:
        with segment.path.open("rb") as file:
            return _whole(_backwards(file, count))[-count:]
    except FileNotFoundError:  # compressed in the meantime
        return deque(hours.whole_lines(segment), maxlen=count)


def _backwards(file: io.BufferedReader, count: int) -> bytes:
    """Return the file's end with at least so many whole lines, or all of it."""
    size = file.seek(0, io.SEEK_END)
    step = FIRST_BLOCK_BYTES
    while True:
        start = max(0, size - step)
        file.seek(start)
        data = file.read(size - start)
        if start == 0:
            return data
        if data.count(b"\n") > count:
            return data[data.index(b"\n") + 1 :]
        step *= 2


def _whole(data: bytes) -> list[bytes]:
    return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)


class Follower:
    """Reads what is appended after it was made, by every consumer and from hour to hour.

    Only this hour's segments and the last one's can grow. A writer that is an hour behind its own
    clock is not followed.
    """

    def __init__(self, root: Path, kind: str, now_ms: int) -> None:
        self._folder = root / kind
        self._offsets = {path: path.stat().st_size for path in self._growing(now_ms)}
        self._recent: deque[bytes] = deque(maxlen=REMEMBERED)

    def shown(self, some: Iterable[bytes]) -> None:
        """Take these lines as told: they were read by other means."""
        self._recent.extend(map(lines.identity, some))

    def poll(self, now_ms: int) -> list[bytes]:
        """Return the whole lines that were appended since, in order of `_id`; no repeats."""
        found = [line for path in self._growing(now_ms) for line in self._appended(path)]
        if not found:
            return []
        told = set(self._recent)
        fresh = _once(line for line in found if lines.identity(line) not in told)
        self.shown(fresh)
        return sorted(fresh, key=hours.place)

    def _growing(self, now_ms: int) -> Iterator[Path]:
        for at_ms in (now_ms - HOUR_MS, now_ms):
            folder = self._folder / clock.day(at_ms)
            yield from sorted(folder.glob(f"{clock.hour(at_ms)[11:]}-*{OPEN}"))

    def _appended(self, path: Path) -> list[bytes]:
        offset = self._offsets.get(path, 0)
        try:
            with path.open("rb") as file:
                # A torn line that was cut, or a write that the disk refused.
                offset = min(offset, file.seek(0, io.SEEK_END))
                file.seek(offset)
                data = file.read(POLL_BYTES)
        except FileNotFoundError:
            return []
        appended = _whole(data)
        self._offsets[path] = offset + sum(map(len, appended))
        return appended
