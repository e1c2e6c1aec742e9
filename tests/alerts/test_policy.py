"""The policy's decisions, as a table of what came before and what comes now."""

import pytest

from equerry.alerts import policy
from equerry.alerts.policy import BUNDLE_KEPT, AlertState, Bundle, Group, Reason, Timing
from equerry.alerts.retry import delay_seconds
from equerry.events.severity import Severity
from equerry.finding import Finding

HOUR = 3_600_000
REPEAT = 4 * HOUR


def finding(severity: Severity = Severity.HIGH, key: str = "k", at_ms: int = 0) -> Finding:
    """Return a finding of the rule `rule`."""
    return Finding("rule", key, severity, "title", at_ms)


def state(told_ms: int, severity: Severity = Severity.HIGH, count: int = 1) -> AlertState:
    """Return what a cause that was told then has behind it."""
    return AlertState(finding(severity), 0, 0, told_ms, count)


@pytest.mark.parametrize(
    ("before", "severity", "now_ms", "reason"),
    [
        (None, Severity.LOW, 0, Reason.FIRST),
        (state(0), Severity.HIGH, 1, Reason.DUPLICATE),
        (state(0), Severity.HIGH, REPEAT - 1, Reason.DUPLICATE),
        (state(0), Severity.HIGH, REPEAT, Reason.REPEAT_DUE),
        (state(0), Severity.CRITICAL, 1, Reason.WORSE),
        (state(0), Severity.LOW, 1, Reason.DUPLICATE),
    ],
)
def test_decide(before: AlertState | None, severity: Severity, now_ms: int, reason: Reason) -> None:
    """Each case has its named reason, and only a duplicate is not told."""
    decision = policy.decide(before, finding(severity, at_ms=now_ms), now_ms, repeat_ms=REPEAT)
    assert decision.reason is reason
    assert decision.tell is (reason is not Reason.DUPLICATE)
    assert decision.repeat is (reason is Reason.REPEAT_DUE)
    assert decision.state.count == (before.count if before else 0) + 1
    assert decision.state.told_ms == (now_ms if decision.tell else 0)


def test_the_first_of_a_group_leads_and_the_rest_is_bundled() -> None:
    """One at once, the others as one message when the time is over, then quiet again."""
    group, timing = policy.place(None, finding(key="a"), 0, bundle_ms=30_000)
    assert timing is Timing.LEADS_GROUP
    for number in range(5):
        group, timing = policy.place(group, finding(key=f"b{number}"), 1_000, bundle_ms=30_000)
        assert timing is Timing.JOINS_BUNDLE
    assert policy.flush(group, 29_999, bundle_ms=30_000) == (group, Bundle())
    after, bundle = policy.flush(group, 30_000, bundle_ms=30_000)
    assert [each.key for each in bundle.findings] == ["b0", "b1", "b2", "b3", "b4"]
    assert after == Group(60_000)
    assert policy.flush(after, 60_000, bundle_ms=30_000) == (None, Bundle())


def test_a_flood_is_bounded_and_counted() -> None:
    """A bundle names so many and counts the rest: no flood makes a message that nobody takes."""
    group = Group(30_000)
    for number in range(BUNDLE_KEPT + 300):
        group, _ = policy.place(group, finding(key=str(number)), 1_000, bundle_ms=30_000)
    _, bundle = policy.flush(group, 30_000, bundle_ms=30_000)
    assert len(bundle.findings) == BUNDLE_KEPT
    assert bundle.more == 300


def test_a_late_finding_joins_a_bundle_that_was_not_sent_yet() -> None:
    """What waits is never overtaken by what came later."""
    group = Group(30_000, (finding(key="a"),))
    after, timing = policy.place(group, finding(key="b"), 40_000, bundle_ms=30_000)
    assert timing is Timing.JOINS_BUNDLE
    assert [each.key for each in after.waiting] == ["a", "b"]


def test_a_group_is_over_without_followers() -> None:
    """The next of a rule leads again once the time has passed."""
    group, _ = policy.place(None, finding(), 0, bundle_ms=30_000)
    _, timing = policy.place(group, finding(key="b"), 30_000, bundle_ms=30_000)
    assert timing is Timing.LEADS_GROUP


ALL = ("slack", "email", "webhook")


@pytest.mark.parametrize(
    ("routed", "configured", "disabled", "expected"),
    [
        (ALL, ALL, (), ALL),
        (("slack", "email"), ALL, (), ("slack", "email")),
        (("slack", "email"), ("email",), (), ("email",)),
        (("slack",), ("email", "webhook"), (), ("email",)),
        (("slack", "email"), ALL, ("slack",), ("email",)),
        (("slack",), ALL, ("slack",), ("email",)),
        (ALL, ALL, ALL, ("console",)),
        (ALL, ("console",), (), ("console",)),
    ],
)
def test_route(
    routed: tuple[str, ...],
    configured: tuple[str, ...],
    disabled: tuple[str, ...],
    expected: tuple[str, ...],
) -> None:
    """A finding goes where its route says, and never nowhere."""
    assert policy.route(routed, configured, frozenset(disabled)) == expected


@pytest.mark.parametrize(
    ("attempts", "retry_after", "jitter", "expected"),
    [
        (1, None, 0.0, 2.0),
        (2, None, 0.0, 4.0),
        (1, None, 0.5, 1.5),
        (50, None, 0.0, 300.0),
        (1, 60.0, 0.9, 60.0),
        (12, 5.0, 0.0, 300.0),
    ],
)
def test_retry_delay(
    attempts: int, retry_after: float | None, jitter: float, expected: float
) -> None:
    """Doubles to five minutes, less by jitter, and never before the receiver wants it."""
    assert delay_seconds(attempts, retry_after, jitter) == expected
