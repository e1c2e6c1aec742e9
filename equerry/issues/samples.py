"""The events that an issue keeps at hand: which they are, and what the archive has of them."""

import enum
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from equerry import clock, keys
from equerry.archive import hours
from equerry.archive import line as lines
from equerry.archive.hours import Hour
from equerry.errors import ArchiveDamaged
from equerry.events.event import ERRORS, Event
from equerry.redis_client import Redis

# A person waits; a day of a busy site's archive is read in that time.
PATIENCE_SECONDS = 5.0


class Missing(enum.StrEnum):
    """Why an event is not shown."""

    RETENTION = "removed by retention"
    TIME = "not found in the time that a search may take"
    ELSEWHERE = "not in this archive; another machine may hold it"


class Sample(msgspec.Struct, frozen=True):
    """An event at hand: its place in the stream, its id, and what was found of it.

    line: its JSON as archived, without the newline. missing: why there is none.
    """

    stream_id: str
    event_id: str
    line: bytes = b""
    missing: Missing | None = None

    @property
    def at_ms(self) -> int:
        """When it was accepted, epoch milliseconds."""
        return int(self.stream_id.partition("-")[0])

    @property
    def event(self) -> Event | None:
        """What the line says, None where there is none. Raises ValueError for a damaged one."""
        return lines.decode(self.line, ERRORS) if self.line else None


def kept(redis: Redis, scope: str, parts: Sequence[int]) -> list[Sample]:
    """Return the samples of an issue of these parts, the newest first, unread."""
    found: dict[str, Sample] = {}
    for part in parts:
        for field, text in redis.hgetall(keys.issue_part(scope, part, "samples")).items():
            if field != b"turn":
                stream_id, _, event_id = text.decode().partition(" ")
                found[stream_id] = Sample(stream_id, event_id)
    return sorted(found.values(), key=_place, reverse=True)


def _place(sample: Sample) -> tuple[int, int]:
    milliseconds, _, number = sample.stream_id.partition("-")
    return int(milliseconds), int(number)


def read(
    root: Path,
    project: int,
    samples: Sequence[Sample],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> list[Sample]:
    """Return the samples with their lines, in the same order. root: the archive's folder.

    A line stands in the segments of the hour in which its event was accepted or, where it waited
    for a worker, of a later one: hours are searched from there on, within the patience.
    """
    deadline = time.monotonic() + patience_seconds
    every = hours.hours(root, {ERRORS})
    wanted = {sample.stream_id.encode(): sample for sample in samples}
    found: dict[bytes, bytes] = {}
    searched: set[tuple[str, str]] = set()
    in_time = True
    for hour in _likely_first(every, samples):
        if len(found) == len(wanted) or not in_time:
            break
        if (hour.day, hour.hour) not in searched:
            searched.add((hour.day, hour.hour))
            in_time = _search(hour, project, wanted.keys() - found.keys(), found, deadline)
    oldest = f"{every[0].day}T{every[0].hour}" if every else ""
    return [
        msgspec.structs.replace(sample, line=found[name])
        if (name := sample.stream_id.encode()) in found
        else msgspec.structs.replace(sample, missing=_missing(sample, oldest, in_time=in_time))
        for sample in samples
    ]


def find(
    root: Path, event_id: str, *, patience_seconds: float = PATIENCE_SECONDS
) -> tuple[bytes | None, bool]:
    """Look for an event by its id, the newest hours first.

    Returns its line, None where it was not found, and whether everything was searched in time.
    """
    deadline = time.monotonic() + patience_seconds
    mark = b'"id":"%b"' % event_id.encode("ascii", "replace")
    for hour in reversed(hours.hours(root, {ERRORS})):
        for line in _lines(hour):
            if mark in line[:100]:
                return line.rstrip(b"\n"), True
            if time.monotonic() > deadline:
                return None, False
    return None, True


def _likely_first(every: Sequence[Hour], samples: Iterable[Sample]) -> Iterator[Hour]:
    """Yield each sample's hour and the next, then all later ones; some more than once."""
    since = sorted({clock.hour(sample.at_ms) for sample in samples}, reverse=True)
    later = [[hour for hour in every if f"{hour.day}T{hour.hour}" >= first] for first in since]
    for some in later:
        yield from some[:2]
    if later:
        yield from later[-1]


def _search(
    hour: Hour,
    project: int,
    wanted: Collection[bytes],
    found: dict[bytes, bytes],
    deadline: float,
) -> bool:
    """Put the wanted lines of the hour into `found`; False where the time is up."""
    missing = set(wanted)
    for line in _lines(hour):
        stream_id = lines.stream_id(line)
        if stream_id in missing and lines.is_of(line, project):
            found[stream_id] = line.rstrip(b"\n")
            missing.discard(stream_id)
            if not missing:
                break
        elif time.monotonic() > deadline:
            return False
    return True


def _lines(hour: Hour) -> Iterator[bytes]:
    """Yield the lines of the hour's segments; of a damaged one as many as can be read."""
    for segment in hour.segments:
        try:
            yield from hours.whole_lines(segment)
        except ArchiveDamaged:
            continue


def _missing(sample: Sample, oldest: str, *, in_time: bool) -> Missing:
    if oldest and clock.hour(sample.at_ms) < oldest:
        return Missing.RETENTION
    return Missing.ELSEWHERE if in_time else Missing.TIME
