"""Counts a whole archive, as the drains counted it: lines in, one tally a project out.

Memory grows with issues, living buckets and the lines of two hours, not with the archive.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from equerry.archive import hours as archive_hours
from equerry.archive import line as lines
from equerry.archive.hours import Hour
from equerry.events.event import ERRORS, METRICS, NOISE, Event
from equerry.issues import index
from equerry.issues.tally import Tally, tally

KINDS = frozenset({ERRORS, METRICS, NOISE})
BATCH = 5_000


class Recount(msgspec.Struct):
    """What the archive says. tallies: project id → what its lines add up to.

    repeated: lines left out because the same one was read before. uncommitted: lines left out
    because their event is still in the stream, and is counted when its drain commits. damaged:
    segment → lines that are no event. strange: lines of projects that were not asked for.
    """

    tallies: dict[int, Tally]
    lines: int = 0
    repeated: int = 0
    uncommitted: int = 0
    strange: int = 0
    damaged: dict[str, int] = {}


def recount(
    hours: Sequence[Hour],
    uncommitted: Mapping[int, Collection[str]],
    now_ms: int,
    progress: Callable[[Hour], None],
) -> Recount:
    """Count the hours. uncommitted: project id → `_id`s in the stream; its keys are the projects.

    A line is told from its repeat within its own hour and the one before: what is written twice is
    a batch that was taken over, or a copied file. Buckets that have expired by now_ms are left out.
    progress is called after each hour. Raises ArchiveDamaged.
    """
    done = Recount({project: Tally({}, {}) for project in uncommitted})
    before: set[tuple[int, str]] = set()
    for hour in hours:
        seen: set[tuple[int, str]] = set()
        fresh = (event for event in _events(done, hour) if _fresh(done, event, uncommitted))
        once = _once(done, fresh, seen, before)
        while batch := list(itertools.islice(once, BATCH)):
            _add(done, batch, now_ms)
        before = seen
        progress(hour)
    return done


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


def _add(done: Recount, batch: Sequence[Event], now_ms: int) -> None:
    for project, total in done.tallies.items():
        merge(total, tally(event for event in batch if event.project == project), now_ms)


def merge(total: Tally, more: Tally, now_ms: int) -> None:
    """Add a later tally to an earlier one; an issue keeps the title that it had first."""
    for bucket, counter in more.counts.items():
        if bucket in total.counts:
            total.counts[bucket].update(counter)
        elif index.expires_at(bucket) * 1000 > now_ms:
            total.counts[bucket] = counter
    for fingerprint, delta in more.issues.items():
        known = total.issues.setdefault(fingerprint, delta)
        if known is delta:
            continue
        known.count += delta.count
        known.first_ms = min(known.first_ms, delta.first_ms)
        known.last_ms = max(known.last_ms, delta.last_ms)
        if delta.severity.rank > known.severity.rank:
            known.severity = delta.severity


def events(total: Tally) -> int:
    """Return how many events a tally's days hold."""
    fields = ("errors", "metrics", "noise")
    days = (counter for bucket, counter in total.counts.items() if len(bucket) == len("2026-11-23"))
    return sum(counter[field] for counter in days for field in fields)
