"""Looks at every part of Equerry: reads what they left in Redis and on the disk; no probing."""

import shutil
from collections import Counter
from collections.abc import Callable

from redis.exceptions import RedisError

from equerry import clock, keys
from equerry.health import deliveries
from equerry.health.part import Part, Status
from equerry.redis_client import Redis, is_away
from equerry.settings import Settings

# A drain takes 2 s turns and the sweep comes every 5 s: an event this old means nobody drains.
STALLED_SECONDS = 60.0
# Beat writes its lead each second and a worker's watcher wakes every 2 s.
WORKER_SILENT_MS = 15_000
# Role → what nobody does without it; the Procfile names its workers `<role>@<host>`.
ROLES = {
    "worker": "events pile up, nothing is processed and nobody is alerted",
    "jobs": "no heartbeat, no retention, no watch over the parts, and fewer deliveries",
}
# Beyond this much of a limit there is still time to act.
WARN_SHARE = 0.8
DISK_FAIL_SHARE = 0.95


def _redis(redis: Redis, _settings: Settings, _now_ms: int) -> Part:
    info = redis.info()
    used, limit = info["used_memory"], info.get("maxmemory", 0)
    value = {
        "used_memory_bytes": used,
        "max_memory_bytes": limit,
        "aof_enabled": info.get("aof_enabled", 0),
        "aof_last_write": info.get("aof_last_write_status", "unknown"),
        "version": str(info.get("valkey_version") or info.get("redis_version", "unknown")),
    }
    if info.get("aof_last_write_status", "ok") != "ok":
        return Part(Status.FAIL, value, "Redis cannot write its append-only file")
    if not info.get("aof_enabled"):
        return Part(Status.WARN, value, "Redis keeps no append-only file: a restart loses events")
    if limit and used > WARN_SHARE * limit:
        return Part(Status.WARN, value, "Redis' memory is above 80% of its limit")
    return Part(Status.OK, value)


def _stream(redis: Redis, settings: Settings, now_ms: int) -> Part:
    events = size = 0
    oldest_ms, full = now_ms, 0.0
    limits = settings.queue
    for scope in _scopes(settings):
        of_scope = redis.xlen(keys.events(scope))
        bytes_of_scope = int(redis.get(keys.events_bytes(scope)) or 0)
        for stream_id, _ in redis.xrange(keys.events(scope), count=1):
            oldest_ms = min(oldest_ms, int(stream_id.partition(b"-")[0]))
        # The limits are each project's own.
        full = max(
            full,
            of_scope / max(1, limits.max_events),
            bytes_of_scope / max(1, limits.max_bytes),
        )
        events += of_scope
        size += bytes_of_scope
    age = max(0, now_ms - oldest_ms) / 1000
    left = _left_behind(redis, settings)
    value: dict[str, int | float | str | None] = {
        "events": events,
        "bytes": size,
        "oldest_seconds": age,
        "left_behind": ", ".join(left),
    }
    if age > STALLED_SECONDS:
        return Part(Status.FAIL, value, f"the oldest event has waited for {age:.0f} s")
    if full > WARN_SHARE:
        return Part(Status.WARN, value, f"the queue is {full:.0%} full")
    if left:
        return Part(
            Status.WARN,
            value,
            f"accepted events wait for projects that are not in the settings: {', '.join(left)}."
            " Put the project back (same id) until they are drained",
        )
    return Part(Status.OK, value)


def _scopes(settings: Settings) -> list[str]:
    return [*(keys.scope(project.id) for project in settings.projects), keys.SITE]


def _left_behind(redis: Redis, settings: Settings) -> list[str]:
    """Return the ids of projects whose events wait and that the settings no longer know."""
    seen = {name.decode() for name in redis.smembers(keys.scopes_seen())}
    gone = sorted(seen.difference(_scopes(settings)))
    return [scope.removeprefix("p") for scope in gone if redis.xlen(keys.events(scope))]


def remember_scopes(redis: Redis, settings: Settings) -> None:
    """Note whose events there may be, for the day when one is not in the settings any more."""
    redis.sadd(keys.scopes_seen(), *_scopes(settings))


def _workers(redis: Redis, _settings: Settings, now_ms: int) -> Part:
    """Names are `<role>@<host>`; without either role some work is done by nobody."""
    alive = redis.zrange(keys.workers(), now_ms - WORKER_SILENT_MS, "+inf", byscore=True)
    roles = Counter(name.decode().partition("@")[0] for name in alive)
    names = [name.decode() for name in redis.zrange(keys.workers(), 0, -1)]
    value: dict[str, int | float | str | None] = {
        "alive": len(alive),
        **{f"{role}_alive": roles[role] for role in ROLES},
        "known": ", ".join(names),
    }
    missing = [
        f"no `{role}` is alive: {without}" for role, without in ROLES.items() if not roles[role]
    ]
    if missing:
        return Part(Status.FAIL, value, "; ".join(missing))
    return Part(Status.OK, value)


def _beat(redis: Redis, _settings: Settings, _now_ms: int) -> Part:
    if not redis.exists(keys.beat_leader()):
        return Part(Status.FAIL, {"leads": 0}, "no beat is running: no scheduled job will run")
    return Part(Status.OK, {"leads": 1})


def _dead_letters(redis: Redis, settings: Settings, _now_ms: int) -> Part:
    dead = sum(redis.xlen(keys.dead(scope)) for scope in _scopes(settings))
    if dead:
        return Part(Status.WARN, {"events": dead}, "see `equerry dead list`")
    return Part(Status.OK, {"events": 0})


def disk(settings: Settings) -> Part:
    """Return how full the disk of the data directory is. Raises OSError."""
    usage = shutil.disk_usage(settings.data_path)
    share = usage.used / usage.total
    value = {"free_bytes": usage.free, "used_share": round(share, 4)}
    if share > DISK_FAIL_SHARE:
        return Part(Status.FAIL, value, f"the disk of {settings.data_dir} is {share:.0%} full")
    if share > WARN_SHARE:
        return Part(Status.WARN, value, f"the disk of {settings.data_dir} is {share:.0%} full")
    return Part(Status.OK, value)


def spool(settings: Settings) -> Part:
    """Return how much the door keeps on disk for want of Redis."""
    folder = settings.data_path / "spool"
    files = [*folder.glob("*.spool"), *folder.glob("*.replay")]
    used = sum(path.stat().st_size for path in files)
    limit = settings.queue.spool_max_bytes
    value = {"bytes": used, "max_bytes": limit}
    if used > WARN_SHARE * limit:
        return Part(Status.FAIL, value, "the spool is nearly full: the door will refuse events")
    if used:
        return Part(Status.WARN, value, "events wait on disk for Redis to come back")
    return Part(Status.OK, value)


IN_REDIS: dict[str, Callable[[Redis, Settings, int], Part]] = {
    "redis": _redis,
    "stream": _stream,
    "workers": _workers,
    "beat": _beat,
    "dead_letters": _dead_letters,
    "outbox": deliveries.outbox,
}

ON_DISK: dict[str, Callable[[Settings], Part]] = {"spool": spool, "disk": disk}


def look(redis: Redis, settings: Settings, now_ms: int) -> dict[str, Part]:
    """Look at every part. One that cannot be read is unknown, Redis that does not answer fails.

    Redis that does not answer is not asked again: each part would wait for its own time-out.
    """
    found: dict[str, Part] = {}
    is_gone = False
    for name, read in IN_REDIS.items():
        if is_gone:
            found[name] = Part(Status.UNKNOWN, {}, "Redis does not answer")
            continue
        try:
            found[name] = read(redis, settings, now_ms)
        except (RedisError, OSError) as error:
            is_gone = is_away(error)
            status = Status.FAIL if name == "redis" else Status.UNKNOWN
            found[name] = Part(status, {}, f"Redis does not answer: {error}")
    for name, measure in ON_DISK.items():
        try:
            found[name] = measure(settings)
        except OSError as error:
            found[name] = Part(Status.UNKNOWN, {}, str(error))
    return found


def answered(found: dict[str, Part]) -> bool:
    """Whether Redis answered for every part that lies in it."""
    return all(found[name].value for name in IN_REDIS)


def since(redis: Redis) -> dict[str, tuple[str, int]]:
    """Return each part's status and since when (epoch ms), as the watch-parts job last wrote it."""
    rows = redis.hgetall(keys.conditions())
    split = {name.decode(): text.decode().partition(" ") for name, text in rows.items()}
    return {name: (status, int(at_ms)) for name, (status, _, at_ms) in split.items()}


def with_since(
    parts: dict[str, Part], known: dict[str, tuple[str, int]], now_ms: int
) -> dict[str, Part]:
    """Add since when each part has its status; a status that was not written yet begins now."""
    return {
        name: Part(
            part.status,
            part.value,
            part.problem,
            clock.rfc3339(known[name][1])
            if name in known and known[name][0] == part.status.value
            else clock.rfc3339(now_ms),
        )
        for name, part in parts.items()
    }
