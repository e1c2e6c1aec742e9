"""The archive hour by hour: what several consumers wrote side by side, in order of `_id`."""

import heapq
import itertools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

from equerry.archive import line as lines
from equerry.archive import read
from equerry.archive.read import CLOSED, OPEN, Segment
from equerry.errors import ArchiveDamaged


class Hour(NamedTuple):
    """The segments that were written in one hour (UTC), of all kinds that were asked for."""

    day: str
    hour: str
    segments: list[Segment]


def hours(root: Path, kinds: Collection[str]) -> list[Hour]:
    """Return the hours that there are, oldest first."""
    found = [segment for segment in read.segments(root) if segment.kind in kinds]
    found.sort(key=_when)
    return [Hour(*when, list(some)) for when, some in itertools.groupby(found, _when)]


def _when(segment: Segment) -> tuple[str, str]:
    return segment.day, segment.hour


def place(line: bytes) -> tuple[int, int]:
    """Return a line's place among all lines: its `_id` as numbers, (0, 0) where it has none.

    Streams of several projects give the same `_id`s: the place orders lines, it names none.
    """
    milliseconds, _, number = lines.stream_id(line).partition(b"-")
    try:
        return int(milliseconds), int(number)
    except ValueError:
        return 0, 0


def merged(hour: Hour) -> Iterator[tuple[Segment, bytes]]:
    """Yield each line of the hour with its segment, in order of `_id`.

    Each segment is nearly in that order by itself: only what was taken over from a dead consumer
    stands later, as it was processed later. Raises ArchiveDamaged.
    """
    yield from heapq.merge(*map(_with_segment, hour.segments), key=lambda pair: place(pair[1]))


def _with_segment(segment: Segment) -> Iterator[tuple[Segment, bytes]]:
    for line in whole_lines(segment):
        yield segment, line


def whole_lines(segment: Segment) -> Iterator[bytes]:
    """Yield a segment's lines; one that was compressed in the meantime is found all the same.

    One that retention removed in the meantime has no lines. Raises ArchiveDamaged.
    """
    try:
        yield from read.whole_lines(segment)
    except FileNotFoundError:
        closed = segment.path.with_name(segment.path.name.removesuffix(OPEN) + CLOSED)
        if segment.path != closed and closed.exists():
            yield from whole_lines(segment._replace(path=closed))
    except (OSError, zstandard.ZstdError) as error:
        raise ArchiveDamaged(f"{segment.path}: {error}") from error
