"""Which issues were seen lately, and how often by the hour: what tells a spike from its usual."""

import itertools
from collections.abc import Iterator

import msgspec

from equerry import clock, keys
from equerry.clock import HOUR_MS
from equerry.issues import record
from equerry.issues.record import Place
from equerry.issues.state import Status, short_id
from equerry.redis_client import Redis

HOURS = 24


class Active(msgspec.Struct, frozen=True):
    """An issue that was seen lately. Times are epoch milliseconds.

    parts: its own number, and those merged into it. count: its events in all. hours: hour since the
    epoch → events, of the running hour and the HOURS before it.
    """

    number: int
    parts: tuple[int, ...]
    id: str
    title: str
    status: Status
    count: int
    first_ms: int
    last_ms: int
    hours: dict[int, int]


def recent(
    redis: Redis, scope: str, project: str, since_ms: int, now_ms: int, most: int
) -> Iterator[Active]:
    """Yield the issues seen since then, the last seen first, of at most so many.

    project: its slug. Reads some hundred issues at once.
    """
    for places in record.newest(redis, scope, None, most):
        yield from _read(
            redis, scope, project, [each for each in places if each.last_ms >= since_ms], now_ms
        )
        if places and places[-1].last_ms < since_ms:
            return


def _read(
    redis: Redis, scope: str, project: str, places: list[Place], now_ms: int
) -> Iterator[Active]:
    hours = [now_ms // HOUR_MS - ago for ago in range(HOURS + 1)]
    names = [clock.hour(hour * HOUR_MS) for hour in hours]
    found = record.read(redis, scope, places)
    pipe = redis.pipeline(transaction=False)
    for each in found:
        for part in each.place.parts:
            pipe.hmget(keys.issue_part(scope, part, "counts"), names)
    rows = iter(pipe.execute())
    for each in found:
        counts = [0] * len(hours)
        for row in itertools.islice(rows, len(each.place.parts)):
            counts = [before + int(more or 0) for before, more in zip(counts, row, strict=True)]
        yield Active(
            number=each.place.number,
            parts=each.place.parts,
            id=short_id(project, each.place.number),
            title=each.title,
            status=each.state.status,
            count=each.count,
            first_ms=each.first_ms,
            last_ms=each.place.last_ms,
            hours=dict(zip(hours, counts, strict=True)),
        )
