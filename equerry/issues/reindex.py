"""Rebuild the index in Redis from the archive, which is the truth.

1. Shut the gate: running drains end, new ones leave their events in the stream.
2. Look at what is in the stream and not committed: its drain will count it.
3. Replay the issues' journal: their numbers, and what people made of them.
4. Count the archive; the issues beside the old ones, under names of their own. Until here nothing
   of the index has changed, so a kill costs nothing.
5. Replace each project's index in one transaction. Issues whose number no line tells (the journal
   is younger than they are) are numbered in order of their first appearance, and lines are written.

Limits: the index then speaks of what the archive holds. An issue older than the retention counts
from there on; counters of days before the archive's first are kept as they are.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import NamedTuple

from redis.exceptions import ResponseError

from equerry import keys
from equerry.archive import gate
from equerry.archive import hours as archive_hours
from equerry.archive.hours import Hour
from equerry.errors import EquerryError
from equerry.events.event import ISSUES, Event
from equerry.issues import journal, recount
from equerry.issues.rebuild import Lines, Rebuild, place
from equerry.issues.recount import Recount
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream.consumer import GROUP

READ_AT_ONCE = 1_000


class Other(NamedTuple):
    """What another room rebuilds of a project from the same reading.

    add: given each batch of its events, the oldest first. replace: puts it in the index's place.
    """

    add: Callable[[Sequence[Event]], None]
    replace: Callable[[], None]


class Rebuilt(NamedTuple):
    """What was done. issues: project id → how many its index holds now."""

    counted: Recount
    issues: dict[int, int]


def reindex(
    redis: Redis,
    settings: Settings,
    now_ms: int,
    progress: Callable[[Hour, Sequence[Hour]], None],
    *,
    other: Callable[[str], Other] = lambda _: Other(lambda _: None, lambda: None),
    alone: bool = True,
    wait_seconds: float = gate.WAIT_SECONDS,
) -> Rebuilt:
    """Rebuild every project's index. progress(hour just counted, all hours).

    other(scope) begins what another room rebuilds of it, in a transaction of its own.
    alone: refuse where another machine drained events that this archive may not hold.
    Raises EquerryError, and then the index is as it was: the gate is taken, the archive is empty
    or damaged.
    """
    root = settings.data_path / "archive"
    with gate.shut(settings.data_path, wait_seconds) as mine:
        if not mine:
            raise EquerryError(
                f"a worker's batch or another reindex did not end within {wait_seconds:g} s;"
                " nothing was changed, try again"
            )
        hours = archive_hours.hours(root, recount.KINDS | {ISSUES})
        if not hours:
            raise EquerryError(
                f"there is nothing in {root} to rebuild from; nothing was changed. Is data_dir"
                " (EQUERRY_DATA_DIR) the one that the workers use?"
            )
        if alone:
            _refuse_others(redis, settings, hours)
        uncommitted = {each.id: _pending(redis, keys.scope(each.id)) for each in settings.projects}
        counted = recount.begin(uncommitted)
        lines = _journal(counted, hours)
        rebuilds = {
            project: Rebuild(redis, keys.scope(project), lines[project], now_ms)
            for project in uncommitted
        }
        others = {project: other(keys.scope(project)) for project in uncommitted}
        recount.recount(
            counted,
            hours,
            uncommitted,
            now_ms,
            lambda project, issues: rebuilds[project].add(issues),
            lambda hour: progress(hour, hours),
            lambda project, events: others[project].add(events),
        )
        whole_from = _first_whole_day(hours, settings)
        for project, rebuild in rebuilds.items():
            kept = _kept(redis, keys.scope(project), whole_from)
            counts = counted.counts[project]
            rebuild.replace({each: counts[each] for each in counts if each not in kept}, kept)
            others[project].replace()
    return Rebuilt(counted, {project: each.issues for project, each in rebuilds.items()})


def _journal(counted: Recount, hours: Sequence[Hour]) -> dict[int, Lines]:
    """Read what the archive has of the issues' journal. Raises ArchiveDamaged."""
    lines: dict[int, Lines] = {project: {} for project in counted.counts}
    for event in recount.records(counted, hours, lines):
        try:
            lines[event.project][place(event.stream_id)] = journal.decode(event.raw)
        except ValueError:
            counted.damaged[ISSUES] = counted.damaged.get(ISSUES, 0) + 1
    return lines


def _kept(redis: Redis, scope: str, whole_from: str) -> set[str]:
    """Return the buckets of counters of days before whole_from."""
    prefix = keys.counts(scope, "").encode()
    found = redis.scan_iter(keys.counts(scope, "*"), count=1000)
    buckets = {key.removeprefix(prefix).decode() for key in found}
    return {bucket for bucket in buckets if bucket < whole_from}


def _first_whole_day(hours: Sequence[Hour], settings: Settings) -> str:
    """Retention by age removes whole days; by size it may have cut into the first."""
    first = hours[0].day
    if not settings.archive.max_bytes:
        return first
    return (dt.date.fromisoformat(first) + dt.timedelta(days=1)).isoformat()


def _pending(redis: Redis, scope: str) -> set[str]:
    """Return the ids that drains were handed and have not committed; their lines may be written."""
    found: set[str] = set()
    after = "-"
    while True:
        try:
            rows = redis.xpending_range(keys.events(scope), GROUP, after, "+", READ_AT_ONCE)
        except ResponseError as error:
            if str(error).startswith("NOGROUP"):
                return found
            raise
        found.update(row["message_id"].decode() for row in rows)
        if len(rows) < READ_AT_ONCE:
            return found
        after = f"({rows[-1]['message_id'].decode()}"


def _refuse_others(redis: Redis, settings: Settings, hours: Sequence[Hour]) -> None:
    """Refuse where consumers of a machine are known whose segments are not here."""
    here = {segment.consumer.rpartition("-")[0] for hour in hours for segment in hour.segments}
    node = settings.data_path / "node"
    if node.exists():
        here.add(node.read_text("ascii"))
    known: set[str] = set()
    for project in settings.projects:
        try:
            consumers = redis.xinfo_consumers(keys.events(keys.scope(project.id)), GROUP)
        except ResponseError:  # no stream or no group yet
            continue
        known |= {consumer["name"].decode().rpartition("-")[0] for consumer in consumers}
    if others := sorted(known - here):
        raise EquerryError(
            f"other machines drained events too ({', '.join(others)}), and their segments are not"
            f" in {settings.data_path / 'archive'}; nothing was changed. Copy them here, or leave"
            " them out with --force"
        )
