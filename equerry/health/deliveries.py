"""The part `outbox`: are notifications sent, and does each channel take them."""

import hashlib
from collections import Counter

import msgspec

from equerry import keys
from equerry.health.part import Part, Status
from equerry.redis_client import Redis
from equerry.settings import Settings

# The sweep rings for due rows every 5 s. A sender that takes a row moves its due time ahead by a
# lease, and a row to be tried again is due later: one that is overdue for this long has no sender.
STUCK_MS = 120_000
GIVEN_UP_MS = 86_400_000


class _Row(msgspec.Struct, frozen=True):
    """What of a notification that was given up counts here. due_ms: its last try."""

    channel: str
    created_ms: int
    due_ms: int


class _Disabled(msgspec.Struct, frozen=True):
    """A channel that refused for good. target: a digest of its settings at that time."""

    reason: str
    target: str


_ROW = msgspec.json.Decoder(_Row)
_DISABLED = msgspec.json.Decoder(_Disabled)


def outbox(redis: Redis, settings: Settings, now_ms: int) -> Part:
    """Return what waits, what was given up within a day, and which channels are disabled."""
    scopes = [*(keys.scope(project.id) for project in settings.projects), keys.SITE]
    waiting = sum(redis.zcard(keys.outbox_due(scope)) for scope in scopes)
    overdue = max(_overdue_ms(redis, scope, now_ms) for scope in scopes)
    lost: Counter[str] = Counter()
    for scope in scopes:
        lost += _given_up(redis, scope, now_ms)
    disabled = _disabled(redis, settings)
    value = {
        "waiting": waiting,
        "overdue_seconds": overdue / 1000,
        "given_up": lost.total(),
        "disabled": ", ".join(disabled),
    }
    if overdue > STUCK_MS:
        problem = f"a notification is due since {overdue / 1000:.0f} s and nobody sends it"
        return Part(Status.FAIL, value, f"{problem}: look at the worker's lines in the log")
    if disabled:
        named = "; ".join(f"{name} ({reason})" for name, reason in disabled.items())
        return Part(Status.WARN, value, f"disabled channels: {named}. {_remedy(disabled)}")
    if lost:
        return Part(
            Status.WARN,
            value,
            f"{lost.total()} notifications were given up in the last 24 h, on"
            f" {', '.join(sorted(lost))}. {_remedy(lost)}",
        )
    return Part(Status.OK, value)


def digest(section: msgspec.Struct) -> str:
    """Return the digest of a channel's settings that stands in the row of a disabled one."""
    return hashlib.blake2b(msgspec.json.encode(section), digest_size=8).hexdigest()


def _overdue_ms(redis: Redis, scope: str, now_ms: int) -> int:
    rows = redis.zrange(keys.outbox_due(scope), 0, 0, withscores=True)
    return max(0, now_ms - int(rows[0][1])) if rows else 0


def _given_up(redis: Redis, scope: str, now_ms: int) -> Counter[str]:
    """Return how many were given up within a day, by channel.

    By their last try: a row that was tried for a day before it was given up was made before that.
    """
    rows = (_ROW.decode(text) for _, text in redis.hscan_iter(keys.outbox_dead(scope), count=500))
    return Counter(
        row.channel for row in rows if max(row.created_ms, row.due_ms) > now_ms - GIVEN_UP_MS
    )


def _disabled(redis: Redis, settings: Settings) -> dict[str, str]:
    """Return why each disabled channel is: those whose settings are still the ones refused."""
    targets = {name: digest(section) for name, section in settings.alerts.channels.items()}
    rows = {
        name.decode(): _DISABLED.decode(text)
        for name, text in redis.hgetall(keys.channels()).items()
    }
    return {
        name: row.reason for name, row in sorted(rows.items()) if targets.get(name) == row.target
    }


def _remedy(channels: dict[str, str] | Counter[str]) -> str:
    tests = ", ".join(f"`equerry alert test --channel {name}`" for name in sorted(channels))
    return f"Mend what refused, then {tests}; the alerts are in `equerry tail alerts`"
