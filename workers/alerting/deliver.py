"""Send one notification: claim its row, try its channel, keep what came of it.

1. Claim the row; another sender's claim, or a row not due, ends it here.
2. Send. 3a. Taken (a 2xx): the row leaves the outbox. A test that gets through enables its channel.
3b. Refused for now: the row waits, by the backoff or the receiver's Retry-After.
3c. Refused for good, or tried for too long: the row is dead, and visible. A permanent refusal of
the channel (not of this one message) also disables it, which the others tell, and sends the row by
another way.
"""

import logging
import uuid
from collections.abc import Callable

from msgspec.structs import replace

from equerry import clock, keys
from equerry.alert_settings import CONSOLE
from equerry.alerts import audit, channel_state, outbox, policy, retry, trial
from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Pipeline, Redis
from equerry.settings import Settings
from equerry.stream import findings
from workers.alerting import channels
from workers.alerting.routing import targets

log = logging.getLogger(__name__)


def deliver(
    redis: Redis,
    settings: Settings,
    scope: str,
    notification_id: str,
    jitter: Callable[[], float],
) -> bool:
    """Try one row. Returns whether it was sent.  jitter: a number in [0, 1)."""
    row = outbox.claim(redis, scope, notification_id, clock.now_ms())
    if row is None:
        return False
    tried = replace(row, attempts=row.attempts + 1)
    try:
        receipt = channels.CHANNELS[row.channel](row, settings)
    except DeliveryError as error:
        _failed(redis, settings, tried, error, jitter())
        return False
    except Exception as fault:
        log.exception("channel-fault", extra={"channel": row.channel, "notification": row.id})
        unexpected = DeliveryError(f"{type(fault).__name__} in the channel", permanent=False)
        _failed(redis, settings, tried, unexpected, jitter())
        return False
    pipe = redis.pipeline(transaction=True)
    outbox.take_out(pipe, row)
    audit.write_row(pipe, tried, clock.now_ms(), "sent", receipt)
    if row.lead.rule == trial.RULE and channel_state.is_disabled(redis, row.channel):
        channel_state.enable(pipe, row.channel)
        audit.write_row(pipe, tried, clock.now_ms(), "channel-enabled", "a test alert got through")
    pipe.execute()
    log.info("notification-sent", extra={"channel": row.channel, "notification": row.id})
    return True


def _failed(
    redis: Redis, settings: Settings, tried: Notification, error: DeliveryError, jitter: float
) -> None:
    now_ms = clock.now_ms()
    tired = now_ms - tried.created_ms > settings.alerts.give_up_seconds * 1000
    pipe = redis.pipeline(transaction=True)
    if error.permanent or tired:
        outbox.give_up(pipe, replace(tried, last_error=str(error)))
        audit.write_row(pipe, tried, now_ms, "given-up", str(error))
        if error.permanent and not error.of_message and tried.channel != CONSOLE:
            _disable(pipe, redis, settings, tried, str(error), now_ms)
    else:
        wait = retry.delay_seconds(tried.attempts, error.retry_after_seconds, jitter)
        due_ms = now_ms + int(wait * 1000)
        outbox.put(pipe, [replace(tried, due_ms=due_ms, last_error=str(error))])
        again = f"{error}; next try in {wait:.1f} s"
        audit.write_row(pipe, tried, now_ms, "attempt-failed", again)
    pipe.execute()
    log.warning(
        "notification-failed",
        extra={
            "channel": tried.channel,
            "notification": tried.id,
            "attempt": tried.attempts,
            "error": str(error),
            "permanent": error.permanent,
        },
    )


def _disable(
    pipe: Pipeline, redis: Redis, settings: Settings, row: Notification, reason: str, now_ms: int
) -> None:
    """Queue the channel's end, who says so, and another way for what it did not take."""
    ends = targets(settings)
    disabled = channel_state.disabled(redis, ends)
    if row.channel not in disabled:
        end = channel_state.Disabled(now_ms, reason, ends[row.channel])
        channel_state.disable(pipe, row.channel, end)
        findings.put(pipe, keys.SITE, (_finding(row, reason, now_ms),))
        audit.write(
            pipe, keys.SITE, now_ms, what="channel-disabled", channel=row.channel, detail=reason
        )
    if row.lead.rule == trial.RULE:
        return
    gone = frozenset({*disabled, row.channel})
    [stand_in, *_] = policy.route((), settings.alerts.configured, gone)
    if stand_in not in settings.alerts.routes.channels(row.lead.severity):  # else it has its own
        other = replace(row, id=uuid.uuid4().hex, channel=stand_in, attempts=0, due_ms=now_ms)
        outbox.put(pipe, [other])
        audit.write_row(pipe, other, now_ms, "queued", f"in place of {row.channel}")


def _finding(row: Notification, reason: str, now_ms: int) -> Finding:
    channel = row.channel
    return Finding(
        rule="channel-disabled",
        # Each time is a cause of its own: disabled again after it was mended is news again.
        key=f"channel-disabled:{channel}:{now_ms}",
        severity=Severity.CRITICAL,
        title=f"Alert channel {channel} is disabled: it refuses for good",
        at_ms=now_ms,
        details={
            "Reason": reason,
            "Not delivered": row.title,
            "Do": f"mend alerts.{channel} and run `equerry alert test --channel {channel}`",
        },
    )
