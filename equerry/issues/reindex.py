"""Rebuild the index in Redis from the archive, which is the truth.

1. Shut the gate: running drains end, new ones leave their events in the stream.
2. Look at what is in the stream and not committed: its drain will count it.
3. Count the archive. Until here nothing in Redis has changed, so a kill costs nothing.
4. Replace each project's index in one transaction.

Limits: the index then speaks of what the archive holds. An issue older than the retention counts
from there on; counters of days before the archive's first are kept as they are.
"""

import datetime as dt
from collections.abc import Callable, Sequence

import msgspec
from redis.exceptions import ResponseError

from equerry import keys
from equerry.archive import gate
from equerry.archive import hours as archive_hours
from equerry.archive.hours import Hour
from equerry.errors import EquerryError
from equerry.issues import index
from equerry.issues.recount import KINDS, Recount, recount
from equerry.issues.tally import Tally
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream.consumer import GROUP

READ_AT_ONCE = 1_000


def reindex(
    redis: Redis,
    settings: Settings,
    now_ms: int,
    progress: Callable[[Hour, Sequence[Hour]], None],
    *,
    alone: bool = True,
    wait_seconds: float = gate.WAIT_SECONDS,
) -> Recount:
    """Rebuild every project's index. progress(hour just counted, all hours).

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
        hours = archive_hours.hours(root, KINDS)
        if not hours:
            raise EquerryError(
                f"there is nothing in {root} to rebuild from; nothing was changed. Is data_dir"
                " (EQUERRY_DATA_DIR) the one that the workers use?"
            )
        if alone:
            _refuse_others(redis, settings, hours)
        uncommitted = {each.id: _pending(redis, keys.scope(each.id)) for each in settings.projects}
        counted = recount(hours, uncommitted, now_ms, lambda hour: progress(hour, hours))
        whole_from = _first_whole_day(hours, settings)
        for project, total in counted.tallies.items():
            _replace(redis, keys.scope(project), total, whole_from)
    return counted


def _first_whole_day(hours: Sequence[Hour], settings: Settings) -> str:
    """Retention by age removes whole days; by size it may have cut into the first."""
    first = hours[0].day
    if not settings.archive.max_bytes:
        return first
    return (dt.date.fromisoformat(first) + dt.timedelta(days=1)).isoformat()


def _replace(redis: Redis, scope: str, total: Tally, whole_from: str) -> None:
    """Swap a scope's index; existing buckets of days before whole_from stay."""
    prefix = keys.counts(scope, "").encode()
    existing = index.existing_keys(redis, scope)
    kept = {
        bucket
        for key in existing
        if key.startswith(prefix) and (bucket := key.removeprefix(prefix).decode()) < whole_from
    }
    gone = [key for key in existing if key.removeprefix(prefix).decode() not in kept]
    counts = {bucket: counter for bucket, counter in total.counts.items() if bucket not in kept}
    pipe = redis.pipeline(transaction=True)
    index.clear(pipe, scope, gone)
    index.write(pipe, scope, msgspec.structs.replace(total, counts=counts), {})
    pipe.execute()


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
