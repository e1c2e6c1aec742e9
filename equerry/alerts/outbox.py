"""The outbox: a notification is written before it is sent, and leaves only after a 2xx.

A row is claimed by moving its due time ahead by a lease, in one script; a sender that dies lets the
lease run out, and the sweep sends the row again under the same id. So a receiver may hear twice of
one id (it can tell by the id), but never not at all.
"""

from collections.abc import Sequence

import msgspec

from equerry import keys
from equerry.alerts.notification import Notification
from equerry.redis_client import Pipeline, Redis

# Longer than the slowest channel may take; no other sender touches the row meanwhile.
LEASE_MS = 120_000

_ROW = msgspec.json.Decoder(Notification)

_CLAIM = """
local due = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[2]) then return false end
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
return redis.call('HGET', KEYS[1], ARGV[1])
"""


def put(pipe: Pipeline, rows: Sequence[Notification]) -> None:
    """Queue new rows, or rows that wait for another try."""
    for row in rows:
        pipe.hset(keys.outbox(row.scope), row.id, msgspec.json.encode(row))
        pipe.zadd(keys.outbox_due(row.scope), {row.id: row.due_ms})


def claim(redis: Redis, scope: str, id: str, now_ms: int) -> Notification | None:  # noqa: A002
    """Take a row that is due; None where it is not, or where another sender has it."""
    text = redis.eval(
        _CLAIM,
        2,
        keys.outbox(scope),
        keys.outbox_due(scope),
        id,
        str(now_ms),
        str(now_ms + LEASE_MS),
    )
    return _ROW.decode(text) if text else None


def take_out(pipe: Pipeline, row: Notification) -> None:
    """Queue the end of a row that was sent."""
    pipe.hdel(keys.outbox(row.scope), row.id)
    pipe.zrem(keys.outbox_due(row.scope), row.id)


def give_up(pipe: Pipeline, row: Notification) -> None:
    """Queue the move of a row to the dead ones, where it stays visible."""
    take_out(pipe, row)
    pipe.hset(keys.outbox_dead(row.scope), row.id, msgspec.json.encode(row))


def due(redis: Redis, scope: str, now_ms: int) -> list[str]:
    """Return the ids of rows to send now, the longest due first."""
    rows = redis.zrange(keys.outbox_due(scope), "-inf", now_ms, byscore=True, offset=0, num=100)
    return [row.decode() for row in rows]


def forget_dead(redis: Redis, scope: str, before_ms: int) -> int:
    """Forget dead rows that were made before then. Returns how many."""
    old = [
        name
        for name, text in redis.hscan_iter(keys.outbox_dead(scope), count=500)
        if _ROW.decode(text).created_ms < before_ms
    ]
    if old:
        redis.hdel(keys.outbox_dead(scope), *old)
    return len(old)
