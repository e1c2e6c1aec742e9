"""Send one notification: claim its row, try its channel, keep what came of it.

1. Claim the row; another sender's claim, or a row not due, ends it here.
2. Send. 3a. Taken (a 2xx): the row leaves the outbox. A test that gets through enables its channel.
3b. Refused for now: the row waits, by the backoff or the receiver's Retry-After.
3c. Refused for good, or tried for too long: the row is dead, and visible. A permanent refusal of
the channel (not of this one message) also disables it, a finding that the other channels tell.
"""

import logging
from collections.abc import Callable

from msgspec.structs import replace

from equerry import clock, keys
from equerry.alerts import audit, channel_state, outbox, retry, trial
from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis
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
    if error.permanent and not error.of_message:
        _disable(redis, settings, tried, str(error), now_ms)


def _disable(redis: Redis, settings: Settings, row: Notification, reason: str, now_ms: int) -> None:
    """End the channel and let the others say so; its finding carries what it could not say."""
    if row.channel == "console":
        return
    finding = Finding(
        rule="channel-disabled",
        key=f"channel-disabled:{row.channel}",
        severity=Severity.CRITICAL,
        title=f"Alert channel {row.channel} is disabled: it refuses for good",
        at_ms=now_ms,
        details={
            "Reason": reason,
            "Not delivered": row.title,
            "Do": f"mend alerts.{row.channel} and run `equerry alert test --channel {row.channel}`",
        },
    )
    pipe = redis.pipeline(transaction=True)
    disabled = channel_state.Disabled(now_ms, reason, targets(settings).get(row.channel, ""))
    channel_state.disable(pipe, row.channel, disabled)
    findings.put(pipe, keys.SITE, (finding,))
    audit.write(
        pipe, keys.SITE, now_ms, what="channel-disabled", channel=row.channel, detail=reason
    )
    pipe.execute()
