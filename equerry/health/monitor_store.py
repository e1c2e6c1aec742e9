"""Monitors in Redis: one row each, replaced as a whole."""

from collections.abc import Collection, Mapping

import msgspec

from equerry import keys
from equerry.health.monitors import MOST_MONITORS, Monitor
from equerry.redis_client import Pipeline, Redis

_DECODER = msgspec.json.Decoder(Monitor)


def known(redis: Redis | Pipeline, scope: str, names: Collection[str]) -> dict[str, Monitor]:
    """Return those of these monitors that are known."""
    if not names:
        return {}
    rows = redis.hmget(keys.monitors(scope), list(names))
    return {
        name: _DECODER.decode(row) for name, row in zip(names, rows, strict=True) if row is not None
    }


def room(redis: Redis | Pipeline, scope: str) -> int:
    """Return how many more monitors may be kept."""
    return MOST_MONITORS - int(redis.hlen(keys.monitors(scope)))


def write(pipe: Pipeline, scope: str, monitors: Mapping[str, Monitor]) -> None:
    """Queue the monitors as they are now."""
    if monitors:
        rows = {name: msgspec.json.encode(monitor) for name, monitor in monitors.items()}
        pipe.hset(keys.monitors(scope), mapping=rows)


def read(redis: Redis, scope: str) -> list[Monitor]:
    """Return every monitor, by name."""
    rows = redis.hgetall(keys.monitors(scope))
    return [_DECODER.decode(row) for _, row in sorted(rows.items())]


def forget(redis: Redis, scope: str, before_ms: int) -> int:
    """Forget the monitors that were not heard of since then. Returns how many.

    One that checks in at this moment is new again with that check-in.
    """
    silent = [monitor.name for monitor in read(redis, scope) if monitor.last_ms < before_ms]
    if silent:
        redis.hdel(keys.monitors(scope), *silent)
    return len(silent)
