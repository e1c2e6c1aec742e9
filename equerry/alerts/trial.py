"""A test alert: whether a channel can be reached, asked by a person.

It goes the way of every notification: the outbox, a worker, the audit. It passes by the policy, so
that no route, repeat or bundle keeps it back, and it is sent to a disabled channel too.
"""

import enum
import uuid

import msgspec

from equerry import clock, keys
from equerry.alerts import audit, outbox
from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis

RULE = "test"

_ROW = msgspec.json.Decoder(Notification)


class State(enum.StrEnum):
    """Where a test alert stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of it. next_try: RFC 3339, only where it failed and is tried again."""

    channel: str
    state: State
    error: str = ""
    next_try: str = ""


def notification(channel: str, by: str, now_ms: int) -> Notification:
    """Return a test alert for one channel. by: who asked, for whoever reads it."""
    id_ = uuid.uuid4().hex
    finding = Finding(
        rule=RULE,
        key=f"{RULE}:{id_}",
        severity=Severity.LOW,
        title="Test alert: this channel works",
        at_ms=now_ms,
        details={"Asked by": by, "At": clock.rfc3339(now_ms), "Do": "nothing, this is only a test"},
    )
    return Notification(id_, keys.SITE, channel, (finding,), now_ms, now_ms)


def put(redis: Redis, rows: list[Notification], now_ms: int) -> None:
    """Write them into the outbox, with their lines in the audit."""
    pipe = redis.pipeline(transaction=True)
    outbox.put(pipe, rows)
    for row in rows:
        audit.write_row(pipe, row, now_ms, "queued")
    pipe.execute()


def result(redis: Redis, row: Notification) -> Result:
    """Look where a test alert stands; only what a channel took is in no part of the outbox."""
    pipe = redis.pipeline(transaction=True)
    pipe.hget(keys.outbox(row.scope), row.id)
    pipe.hget(keys.outbox_dead(row.scope), row.id)
    waiting, dead = pipe.execute()
    if dead is not None:
        return Result(row.channel, State.DEAD, _row(dead).last_error)
    if waiting is None:
        return Result(row.channel, State.SENT)
    now = _row(waiting)
    if not now.attempts:
        return Result(row.channel, State.WAITING)
    return Result(row.channel, State.FAILED, now.last_error, clock.rfc3339(now.due_ms))


def bury(redis: Redis, row: Notification) -> None:
    """Forget a dead one that was told: it is no alert that nobody got. The audit keeps it."""
    redis.hdel(keys.outbox_dead(row.scope), row.id)


def _row(text: bytes) -> Notification:
    return _ROW.decode(text)
