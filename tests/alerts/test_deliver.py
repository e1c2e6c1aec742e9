"""Delivery: sent only after a 2xx, tried again, given up loudly."""

import msgspec
import pytest
from receivers import HttpReceiver, Reply

from equerry import clock, keys
from equerry.alert_settings import Alerts, Email, Slack, Webhook
from equerry.alerts import channel_state, outbox
from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream import findings
from workers.alerting import deliver, routing

SCOPE = "p1"


def with_webhook(settings: Settings, receiver: HttpReceiver) -> Settings:
    """Return settings whose webhook is this receiver."""
    alerts = Alerts(allow_private=True, webhook=Webhook(url=receiver.url, secret="s"))
    return msgspec.structs.replace(settings, alerts=alerts)


def row(redis: Redis, created_ms: int | None = None) -> Notification:
    """Put one row into the outbox, due now."""
    now = clock.now_ms()
    finding = Finding("rule", "rule:a", Severity.HIGH, "a", now)
    made = Notification("ab" * 16, SCOPE, "webhook", (finding,), created_ms or now, now)
    outbox.put(redis, [made])
    return made


def left(redis: Redis) -> Notification | None:
    """Return the row as it waits in the outbox."""
    text = redis.hget(keys.outbox(SCOPE), "ab" * 16)
    return msgspec.json.decode(text, type=Notification) if text else None


def audit(redis: Redis) -> list[str]:
    """Return what the audit lines on their way to the archive say."""
    rows = redis.xrange(keys.events(SCOPE))
    return [msgspec.json.decode(fields[b"d"])["what"] for _, fields in rows]


def no_jitter() -> float:
    """Return the jitter that takes nothing away."""
    return 0.0


def test_taken_is_sent(redis: Redis, settings: Settings) -> None:
    """A 2xx ends the row, and the audit says so."""
    with HttpReceiver() as receiver:
        made = row(redis)
        ours = with_webhook(settings, receiver)
        assert deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
        assert receiver.requests[0].headers["x-equerry-delivery"] == made.id
    assert left(redis) is None
    assert outbox.due(redis, SCOPE, clock.now_ms()) == []
    assert audit(redis) == ["sent"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_refused_for_now_waits(redis: Redis, settings: Settings, status: int) -> None:
    """The row stays, its next try lies ahead, and it is not marked sent."""
    with HttpReceiver(Reply(status)) as receiver:
        made = row(redis)
        ours = with_webhook(settings, receiver)
        assert not deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
    waiting = left(redis)
    assert waiting is not None
    assert waiting.attempts == 1
    assert str(status) in waiting.last_error
    assert 1_000 <= waiting.due_ms - clock.now_ms() <= 2_000
    assert audit(redis) == ["attempt-failed"]
    assert not channel_state.disabled(redis, routing.targets(ours))


def test_retry_after_is_honoured(redis: Redis, settings: Settings) -> None:
    """A receiver that asks for a minute is left alone for a minute."""
    with HttpReceiver(Reply(429, headers={"Retry-After": "60"})) as receiver:
        made = row(redis)
        deliver.deliver(redis, with_webhook(settings, receiver), SCOPE, made.id, no_jitter)
    waiting = left(redis)
    assert waiting is not None
    assert waiting.due_ms - clock.now_ms() > 55_000


def test_refused_for_good_is_dead_and_goes_another_way(redis: Redis, settings: Settings) -> None:
    """The channel is off, a critical finding says so, and the message takes another way."""
    with HttpReceiver(Reply(404)) as receiver:
        made = row(redis)
        ours = with_webhook(settings, receiver)
        deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
    assert left(redis) is None
    assert redis.hexists(keys.outbox_dead(SCOPE), made.id)
    assert set(channel_state.disabled(redis, routing.targets(ours))) == {"webhook"}
    [(_, finding)] = findings.read(redis, keys.SITE)
    assert (finding.rule, finding.severity) == ("channel-disabled", Severity.CRITICAL)
    [other] = [
        msgspec.json.decode(text, type=Notification)
        for text in redis.hgetall(keys.outbox(SCOPE)).values()
    ]
    assert (other.channel, other.findings, other.attempts) == ("console", made.findings, 0)


def test_what_another_channel_of_the_route_has_is_not_sent_to_it_twice(
    redis: Redis, settings: Settings
) -> None:
    """Slack is gone, mail had its own row of the same alert: no second mail."""
    with HttpReceiver(Reply(404)) as receiver:
        made = msgspec.structs.replace(row(redis), channel="slack")
        outbox.put(redis, [made])
        alerts = Alerts(
            allow_private=True,
            slack=Slack(webhook_url=receiver.url),
            email=Email(smtp_url="smtp://127.0.0.1:1", to=("a@example.org",)),
        )
        ours = msgspec.structs.replace(settings, alerts=alerts)
        deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
    assert redis.hlen(keys.outbox(SCOPE)) == 0


def test_disabled_again_is_told_again(redis: Redis, settings: Settings) -> None:
    """Mended, then broken again within the hour: that is news. Rows of one failure are not."""
    with HttpReceiver(default=Reply(404)) as receiver:
        ours = with_webhook(settings, receiver)
        for _ in range(2):
            for _ in range(3):
                made = row(redis)
                deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
            channel_state.enable(redis, "webhook")
            redis.delete(keys.outbox_dead(SCOPE))
    told = [finding.key for _, finding in findings.read(redis, keys.SITE)]
    assert len(told) == len(set(told)) == 2


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_a_message_that_is_disliked_ends_no_channel(
    redis: Redis, settings: Settings, status: int
) -> None:
    """What an event says may offend a firewall: the row is dead, the channel goes on."""
    with HttpReceiver(Reply(status)) as receiver:
        made = row(redis)
        ours = with_webhook(settings, receiver)
        deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
    assert redis.hexists(keys.outbox_dead(SCOPE), made.id)
    assert not channel_state.disabled(redis, routing.targets(ours))
    assert findings.read(redis, keys.SITE) == []


def test_tried_for_too_long_is_dead_but_the_channel_lives(redis: Redis, settings: Settings) -> None:
    """After a day a row is given up; a receiver that is only down is not disabled."""
    with HttpReceiver(Reply(500)) as receiver:
        made = row(redis, created_ms=clock.now_ms() - 90_000_000)
        ours = with_webhook(settings, receiver)
        deliver.deliver(redis, ours, SCOPE, made.id, no_jitter)
    assert redis.hexists(keys.outbox_dead(SCOPE), made.id)
    assert not channel_state.disabled(redis, routing.targets(ours))


def test_a_claimed_row_is_nobody_elses(redis: Redis) -> None:
    """Two senders of one row: one sends. A sender that died lets go after its lease."""
    made = row(redis)
    now = clock.now_ms()
    assert outbox.claim(redis, SCOPE, made.id, now) == made
    assert outbox.claim(redis, SCOPE, made.id, now) is None
    assert outbox.claim(redis, SCOPE, made.id, now + outbox.LEASE_MS) == made


def test_a_fault_in_a_channel_loses_nothing(
    redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours counts as a failed try; the row waits."""
    made = row(redis)

    def broken(*_args: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setitem(deliver.channels.CHANNELS, "webhook", broken)
    assert not deliver.deliver(redis, settings, SCOPE, made.id, no_jitter)
    assert left(redis) is not None
