"""From findings to outbox rows: written together, decided once."""

import threading

import msgspec
import pytest

from equerry import clock, keys
from equerry.alert_settings import Alerts, Slack, Webhook
from equerry.alerts import channel_state, ledger, outbox
from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream import findings
from workers.alerting import decide, routing

SCOPE = "p1"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return settings with Slack and a webhook."""
    alerts = Alerts(
        slack=Slack(webhook_url="http://slack.test/x"),
        webhook=Webhook(url="http://hook.test/x", secret="s"),
    )
    return msgspec.structs.replace(settings, alerts=alerts)


def found(redis: Redis, *names: str, severity: Severity = Severity.CRITICAL) -> None:
    """Put a finding for each name."""
    for name in names:
        findings.put(redis, SCOPE, [Finding("rule", f"rule:{name}", severity, name, 1_000)])


def audit(redis: Redis) -> list[str]:
    """Return what the audit lines on their way to the archive say."""
    rows = redis.xrange(keys.events(SCOPE))
    return [msgspec.json.decode(fields[b"d"])["what"] for _, fields in rows]


def test_a_finding_becomes_one_row_per_channel(redis: Redis, settings: Settings) -> None:
    """State, rows and audit are there; the finding is gone."""
    found(redis, "a")
    rows = decide.decide(redis, settings, SCOPE, 5_000)
    assert sorted(row.channel for row in rows) == ["slack", "webhook"]
    assert sorted(outbox.due(redis, SCOPE, 5_000)) == sorted(row.id for row in rows)
    assert redis.xlen(keys.findings(SCOPE)) == 0
    assert ledger.read_states(redis, SCOPE, ["rule:a"])["rule:a"].count == 1
    assert audit(redis) == ["first", "queued", "queued"]


def test_a_thousand_repeats_are_one_alert(redis: Redis, settings: Settings) -> None:
    """Every repeat is counted, nobody is told again, and the audit is not drowned."""
    found(redis, *["a"] * 1_000)
    assert len(decide.decide(redis, settings, SCOPE, 5_000)) == 2
    assert ledger.read_states(redis, SCOPE, ["rule:a"])["rule:a"].count == 1_000
    assert audit(redis) == ["first", "queued", "queued"]


def test_a_storm_is_two_messages(redis: Redis, settings: Settings) -> None:
    """The first of twenty at once, the nineteen others as one bundle after the bundle time."""
    found(redis, *(f"n{number}" for number in range(20)))
    first = decide.decide(redis, settings, SCOPE, 5_000)
    assert {len(row.findings) for row in first} == {1}
    assert decide.decide(redis, settings, SCOPE, 34_999) == []
    bundle = decide.decide(redis, settings, SCOPE, 35_000)
    assert sorted(row.channel for row in bundle) == ["slack", "webhook"]
    assert {len(row.findings) for row in bundle} == {19}
    assert "(and 18 more)" in bundle[0].title


def test_routes_by_severity(redis: Redis, settings: Settings) -> None:
    """High goes to Slack and mail; without mail, to Slack alone."""
    found(redis, "a", severity=Severity.HIGH)
    assert [row.channel for row in decide.decide(redis, settings, SCOPE, 5_000)] == ["slack"]


def test_a_disabled_channel_is_passed_over_until_it_is_another(
    redis: Redis, settings: Settings
) -> None:
    """Disabled is an address, not a name: with a new address it is tried again."""
    target = routing.targets(settings)["slack"]
    channel_state.disable(redis, "slack", channel_state.Disabled(1, "404", target))
    found(redis, "a")
    assert [row.channel for row in decide.decide(redis, settings, SCOPE, 1)] == ["webhook"]
    alerts = msgspec.structs.replace(settings.alerts, slack=Slack(webhook_url="http://new.test/"))
    found(redis, "b")
    mended = msgspec.structs.replace(settings, alerts=alerts)
    rows = decide.decide(redis, mended, SCOPE, 10_000_000)
    assert sorted(row.channel for row in rows) == ["slack", "webhook"]


def test_many_deciders_decide_once(
    redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight at the same time: each finding is told once, by one of them."""
    quick = msgspec.structs.replace(settings.alerts, bundle_seconds=0.0)
    settings = msgspec.structs.replace(settings, alerts=quick)
    found(redis, *(f"n{number}" for number in range(50)))
    told: list[Notification] = []
    del monkeypatch

    def work() -> None:
        told.extend(decide.decide(redis, settings, SCOPE, clock.now_ms()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys_told = [each.key for row in told if row.channel == "slack" for each in row.findings]
    assert sorted(keys_told) == sorted(f"rule:n{number}" for number in range(50))
