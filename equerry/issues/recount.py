"""Counts a whole archive, as the drains counted it: lines in, a tally a batch and project out.

Memory grows with living buckets and the lines of two hours, not with the archive.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from equerry.archive import hours as archive_hours
from equerry.archive import line as lines
from equerry.archive.hours import Hour
from equerry.events.event import ISSUES, NOISE, REPORTED, Event
from equerry.issues import counters
from equerry.issues.tally import IssueDelta, Tally, tally

KINDS = frozenset({*REPORTED, NOISE})
BATCH = 5_000


class Recount(msgspec.Struct):
    """What the archive says. counts: project id → bucket → counters.

    repeated: lines left out because the same one was read before. uncommitted: lines left out
    because their event is still in the stream, and is counted when its drain commits. damaged:
    segment → lines that are no event. strange: lines of projects that were not asked for.
    events: project id → lines that were counted.
    """

    counts: dict[int, dict[str, Counter[str]]]
    events: dict[int, int]
    lines: int = 0
    repeated: int = 0
    uncommitted: int = 0
    strange: int = 0
    damaged: dict[str, int] = {}


def begin(projects: Collection[int]) -> Recount:
    """Return a count in which nothing is counted yet."""
    return Recount({project: {} for project in projects}, dict.fromkeys(projects, 0))


def recount(
    done: Recount,
    hours: Sequence[Hour],
    uncommitted: Mapping[int, Collection[str]],
    now_ms: int,
    add: Callable[[int, Mapping[str, IssueDelta]], None],
    progress: Callable[[Hour], None],
    hear: Callable[[int, Sequence[Event]], None] = lambda _project, _events: None,
) -> None:
    """Count the hours. uncommitted: project id → `_id`s in the stream; its keys are the projects.

    A line is told from its repeat within its own hour and the one before: what is written twice is
    a batch that was taken over, or a copied file. Buckets that have expired by now_ms are left out.
    add is given each batch's issues and hear its events, in the order in which these came; progress
    is called after each hour. Raises ArchiveDamaged.
    """
    for hour, once in _hours(done, hours, KINDS, uncommitted):
        while batch := list(itertools.islice(once, BATCH)):
            for project, events, added in _tallies(done, batch, now_ms):
                add(project, added.issues)
                hear(project, events)
        progress(hour)


def records(done: Recount, hours: Sequence[Hour], projects: Collection[int]) -> Iterator[Event]:
    """Yield the lines of the issues' journal, once each. Raises ArchiveDamaged."""
    for _, once in _hours(done, hours, {ISSUES}, dict.fromkeys(projects, ())):
        yield from once


def _hours(
    done: Recount,
    hours: Sequence[Hour],
    kinds: Collection[str],
    uncommitted: Mapping[int, Collection[str]],
) -> Iterator[tuple[Hour, Iterator[Event]]]:
    """Yield each hour with its events of these kinds, once each."""
    before: set[tuple[int, str]] = set()
    for hour in hours:
        seen: set[tuple[int, str]] = set()
        wanted = hour._replace(segments=[each for each in hour.segments if each.kind in kinds])
        fresh = (event for event in _events(done, wanted) if _fresh(done, event, uncommitted))
        yield hour, _once(done, fresh, seen, before)
        before = seen


def _events(done: Recount, hour: Hour) -> Iterator[Event]:
    for segment, line in archive_hours.merged(hour):
        done.lines += 1
        try:
            yield lines.decode(line, segment.kind)
        except ValueError:
            name = str(segment.path)
            done.damaged[name] = done.damaged.get(name, 0) + 1


def _fresh(done: Recount, event: Event, uncommitted: Mapping[int, Collection[str]]) -> bool:
    if event.project not in uncommitted:
        done.strange += 1
        return False
    if event.stream_id in uncommitted[event.project]:
        done.uncommitted += 1
        return False
    return True


def _once(
    done: Recount,
    events: Iterable[Event],
    seen: set[tuple[int, str]],
    before: set[tuple[int, str]],
) -> Iterator[Event]:
    for event in events:
        name = (event.project, event.stream_id)
        if name in seen or name in before:
            done.repeated += 1
            continue
        seen.add(name)
        yield event


def _tallies(
    done: Recount, batch: Sequence[Event], now_ms: int
) -> Iterator[tuple[int, list[Event], Tally]]:
    """Yield what a batch has and adds of each project; its counters are added here."""
    for project, counts in done.counts.items():
        of_project = [event for event in batch if event.project == project]
        if not of_project:
            continue
        added = tally(of_project)
        done.events[project] += len(of_project)
        for bucket, counter in added.counts.items():
            if bucket in counts:
                counts[bucket].update(counter)
            elif counters.expires_at(bucket) * 1000 > now_ms:
                counts[bucket] = counter
        yield project, of_project, added
