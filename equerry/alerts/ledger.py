"""Where alerts and their groups lie in Redis."""

import msgspec

from equerry import keys
from equerry.alerts.policy import AlertState, Group
from equerry.redis_client import Pipeline, Redis

_STATE = msgspec.json.Decoder(AlertState)
_GROUP = msgspec.json.Decoder(Group)


def read_states(redis: Redis | Pipeline, scope: str, names: list[str]) -> dict[str, AlertState]:
    """Return the alerts of these keys that exist."""
    if not names:
        return {}
    texts = redis.hmget(keys.alerts(scope), names)
    return {
        name: _STATE.decode(text)
        for name, text in zip(names, texts, strict=True)
        if text is not None
    }


def read_groups(redis: Redis | Pipeline, scope: str) -> dict[str, Group]:
    """Return every open group."""
    return {
        name.decode(): _GROUP.decode(text)
        for name, text in redis.hgetall(keys.groups(scope)).items()
    }


def write(
    pipe: Pipeline,
    scope: str,
    states: dict[str, AlertState],
    groups: dict[str, Group | None],
) -> None:
    """Queue the new states and groups (None: over)."""
    for name, state in states.items():
        pipe.hset(keys.alerts(scope), name, msgspec.json.encode(state))
    for name, group in groups.items():
        if group is None:
            pipe.hdel(keys.groups(scope), name)
        else:
            pipe.hset(keys.groups(scope), name, msgspec.json.encode(group))


def forget(redis: Redis, scope: str, before_ms: int) -> int:
    """Forget alerts last noticed before then. Returns how many."""
    old = [
        name
        for name, text in redis.hscan_iter(keys.alerts(scope), count=500)
        if _STATE.decode(text).last_ms < before_ms
    ]
    if old:
        redis.hdel(keys.alerts(scope), *old)
    return len(old)


def keep_newest(redis: Redis, scope: str, keep: int) -> int:
    """Forget the alerts noticed longest ago beyond `keep`. Returns how many."""
    if redis.hlen(keys.alerts(scope)) <= keep:
        return 0
    ages = sorted(
        (_STATE.decode(text).last_ms, name)
        for name, text in redis.hscan_iter(keys.alerts(scope), count=500)
    )
    old = [name for _, name in ages[:-keep]]
    for start in range(0, len(old), 1_000):
        redis.hdel(keys.alerts(scope), *old[start : start + 1_000])
    return len(old)
