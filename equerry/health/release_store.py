"""Release health in Redis: what a batch adds, in one packed script, and what is forgotten.

Totals are kept for as long as a release is among the newest; sessions by the hour for two days,
people (HyperLogLog: 0.8% off) by the day for KEEP_DAYS.
"""

from collections.abc import Iterable
from importlib.resources import files

import msgspec

from equerry import clock, keys
from equerry.clock import HOUR_MS
from equerry.health.release_tally import Tally, Visits
from equerry.redis_client import Pipeline, Redis

# Kept once the index was trimmed; between two times twice as many find a place.
MOST_RELEASES = 1_000
KEEP_DAYS = 35
KEEP_HOURS = 49
DAY_SECONDS = 86_400
COUNTED = ("events", "sessions", "errored", "crashed", "abnormal")
# What a day tells apart: users, users who met a crash, sessions that erred.
PEOPLE = ("users", "crashed", "errored")
_AT_ONCE = 100

_SCRIPT = files("equerry.health").joinpath("releases.lua").read_bytes()
_PACKER = msgspec.msgpack.Encoder()


def write(pipe: Pipeline | Redis, scope: str, added: Tally) -> None:
    """Add the tally, in a transaction or by itself."""
    if not added:
        return
    pipe.eval(
        _SCRIPT,
        4,
        keys.recent_releases(scope),
        keys.release(scope, ""),
        keys.release_hour(scope, ""),
        keys.release_people(scope, ""),
        2 * MOST_RELEASES,
        _PACKER.encode([_packed(name, hour, visits) for (name, hour), visits in added.items()]),
    )


def _packed(name: str, hour: int, visits: Visits) -> tuple[object, ...]:
    at_ms = hour * HOUR_MS
    counts = {field: number for field in COUNTED if (number := getattr(visits, field))}
    people = {
        what: sorted(ids)
        for what, ids in zip(
            PEOPLE, (visits.users, visits.crashed_users, visits.errored_ids), strict=True
        )
        if ids
    }
    day = clock.day(at_ms)
    return (
        name,
        visits.first_ms,
        visits.last_ms,
        counts,
        clock.hour(at_ms),
        at_ms // 1000 + KEEP_HOURS * 3600,
        day,
        clock.bucket_start(day) + KEEP_DAYS * DAY_SECONDS,
        people,
    )


def days(now_ms: int) -> list[str]:
    """Return the days whose people are kept, the newest first."""
    return [clock.day(now_ms - n * DAY_SECONDS * 1000) for n in range(KEEP_DAYS)]


def people_key(scope: str, what: str, day: str, release: str) -> str:
    """Return the key of one of PEOPLE on a day."""
    return keys.release_people(scope, f"{what}:{day}:{release}")


def trim(redis: Redis, scope: str, now_ms: int, keep: int) -> int:
    """Forget the releases seen longest ago, beyond `keep`. Returns how many."""
    gone = redis.zrange(keys.recent_releases(scope), 0, -(keep + 1))
    for start in range(0, len(gone), _AT_ONCE):
        _forget(redis, scope, gone[start : start + _AT_ONCE], days(now_ms))
    return len(gone)


def _forget(redis: Redis, scope: str, names: Iterable[bytes], kept_days: list[str]) -> None:
    pipe = redis.pipeline()
    for name in names:
        text = name.decode()
        pipe.zrem(keys.recent_releases(scope), name)
        people = [people_key(scope, what, day, text) for what in PEOPLE for day in kept_days]
        pipe.unlink(keys.release(scope, text), *people)
    pipe.execute()
