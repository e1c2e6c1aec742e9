"""What is shown of releases: how many sessions and users went without a crash."""

from collections.abc import Sequence

import msgspec

from equerry import clock, keys
from equerry.clock import HOUR_MS
from equerry.health import release_store
from equerry.health.release_store import COUNTED, PEOPLE
from equerry.redis_client import Redis

ADOPTION_HOURS = 24
SHOWN_DAYS = 7


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """One release. Rates are shares from 0 to 1; None where nothing was counted to say it of.

    first_seen, last_seen: RFC 3339. events: errors. sessions: those that began in it. errored:
    sessions in which an error was seen. users: within the days that are kept, 0.8% off.
    adoption: its share of all sessions that began within the last 24 hours.
    """

    release: str
    first_seen: str
    last_seen: str
    events: int
    sessions: int
    errored: int
    crashed: int
    abnormal: int
    users: int
    crashed_users: int
    sessions_24h: int
    crash_free_sessions: float | None
    crash_free_users: float | None
    adoption: float | None


class Day(msgspec.Struct, frozen=True):
    """The people of one release on one day of UTC."""

    day: str
    users: int
    crashed_users: int


def newest(redis: Redis, scope: str, now_ms: int, limit: int) -> list[Release]:
    """Return the releases seen last, newest first; limit: at most so many."""
    if limit < 1:
        return []
    rows = redis.zrevrange(keys.recent_releases(scope), 0, limit - 1, withscores=True)
    return _read(redis, scope, now_ms, [(name.decode(), int(last_ms)) for name, last_ms in rows])


def one(redis: Redis, scope: str, now_ms: int, release: str) -> Release | None:
    """Return one release, or None where it was never seen or is forgotten."""
    last_ms = redis.zscore(keys.recent_releases(scope), release)
    if last_ms is None:
        return None
    return next(iter(_read(redis, scope, now_ms, [(release, int(last_ms))])), None)


def days(redis: Redis, scope: str, now_ms: int, release: str) -> list[Day]:
    """Return its last SHOWN_DAYS days, the newest first, those without anybody too."""
    names = release_store.days(now_ms)[:SHOWN_DAYS]
    pipe = redis.pipeline(transaction=False)
    for day in names:
        pipe.pfcount(release_store.people_key(scope, "users", day, release))
        pipe.pfcount(release_store.people_key(scope, "crashed", day, release))
    counted = pipe.execute()
    return [
        Day(day, users, min(users, crashed))
        for day, users, crashed in zip(names, counted[::2], counted[1::2], strict=True)
    ]


def _read(redis: Redis, scope: str, now_ms: int, names: Sequence[tuple[str, int]]) -> list[Release]:
    hours = [clock.hour(now_ms - n * HOUR_MS) for n in range(ADOPTION_HOURS)]
    kept = release_store.days(now_ms)
    pipe = redis.pipeline(transaction=False)
    for hour in hours:
        pipe.hvals(keys.release_hour(scope, hour))
    all_sessions = sum(int(number) for numbers in pipe.execute() for number in numbers)
    found = []
    for name, last_ms in names:
        pipe.hgetall(keys.release(scope, name))
        for what in PEOPLE:
            pipe.pfcount(*(release_store.people_key(scope, what, day, name) for day in kept))
        for hour in hours:
            pipe.hget(keys.release_hour(scope, hour), name)
        totals, users, crashed_users, errored, *by_hour = pipe.execute()
        if totals:  # else forgotten in this moment
            people = (users, crashed_users, errored)
            recent = sum(int(number or 0) for number in by_hour)
            found.append(_release(name, last_ms, totals, people, (recent, all_sessions)))
    return found


def _release(
    name: str,
    last_ms: int,
    totals: dict[bytes, bytes],
    people: tuple[int, int, int],
    recent: tuple[int, int],
) -> Release:
    counts = {field: int(totals.get(field.encode(), 0)) for field in COUNTED}
    users, crashed_users, errored = people
    sessions_24h, all_24h = recent
    return Release(
        release=name,
        first_seen=clock.rfc3339(int(totals.get(b"first_ms", last_ms))),
        last_seen=clock.rfc3339(last_ms),
        events=counts["events"],
        sessions=counts["sessions"],
        errored=counts["errored"] + errored,
        crashed=counts["crashed"],
        abnormal=counts["abnormal"],
        users=users,
        crashed_users=min(users, crashed_users),
        sessions_24h=sessions_24h,
        crash_free_sessions=free(counts["crashed"], counts["sessions"]),
        crash_free_users=free(crashed_users, users),
        adoption=sessions_24h / all_24h if all_24h else None,
    )


def free(crashed: int, of: int) -> float | None:
    """Return the share that went without a crash; None where there are none: nobody knows.

    A crash whose session's beginning was lost counts as all of what there is, never as less than 0.
    """
    return 1 - min(crashed, of) / of if of else None
