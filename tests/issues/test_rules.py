from typing import Any

import pytest

from equerry.events.report import ErrorFacts
from equerry.events.severity import Severity
from equerry.issues import rules
from equerry.issues.rules import Terms, Totals, Verdict, What
from equerry.issues.state import State, Status
from equerry.issues.tally import IssueDelta, Sample

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL
HOUR_MS = 3_600_000
NOW_MS = 100 * HOUR_MS
RESOLVED = {"status": Status.RESOLVED, "since_ms": NOW_MS - HOUR_MS}
IGNORED = {"status": Status.IGNORED, "since_ms": NOW_MS - HOUR_MS}


def delta(severity: Severity = MEDIUM, releases: dict[str, int] | None = None) -> IssueDelta:
    """Return two events of now."""
    report = ErrorFacts(timestamp="t", message="broke", transaction="pay")
    last = Sample(1, "1-0", "b" * 32)
    seen = {"": NOW_MS} if releases is None else releases
    return IssueDelta(report, severity, NOW_MS, NOW_MS, "a" * 32, last, count=2, releases=seen)


def judge(
    state: State | None, new: IssueDelta, totals: Totals | None = None, **terms: Any
) -> Verdict:
    """Judge as WEB-42."""
    given = {"project": "web", "floor": LOW, "repeat_ms": 4 * HOUR_MS} | terms
    return rules.judge("WEB-42", new, state, totals or Totals(), Terms(**given))


@pytest.mark.parametrize(
    ("state", "severity", "what"),
    [
        (None, LOW, What.NEW),
        ({}, MEDIUM, None),
        ({"severity": LOW}, MEDIUM, What.WORSE),
        ({"severity": LOW, "pinned": HIGH}, CRITICAL, None),
        ({"severity": HIGH, "told_ms": NOW_MS - 5 * HOUR_MS}, HIGH, What.NEW),
        ({"severity": HIGH, "told_ms": NOW_MS - HOUR_MS}, HIGH, None),
        ({"severity": HIGH, "told_ms": NOW_MS - 5 * HOUR_MS}, MEDIUM, None),
        (RESOLVED, MEDIUM, What.REGRESSED),
        (RESOLVED | {"since_ms": NOW_MS}, MEDIUM, None),
        (IGNORED, CRITICAL, None),
        (IGNORED | {"until_ms": NOW_MS}, MEDIUM, What.UNIGNORED),
        (IGNORED | {"until_ms": NOW_MS + 1}, MEDIUM, None),
        (IGNORED | {"until_count": 12}, MEDIUM, What.UNIGNORED),
        (IGNORED | {"until_count": 13}, MEDIUM, None),
        (IGNORED | {"until_users": 4}, MEDIUM, What.UNIGNORED),
        (IGNORED | {"until_users": 5}, MEDIUM, None),
    ],
)
def test_what(state: dict[str, Any] | None, severity: Severity, what: What | None) -> None:
    """What new events make of each state; ten events before, four users with these."""
    before = None if state is None else State(**{"severity": MEDIUM, "told_ms": NOW_MS} | state)
    verdict = judge(before, delta(severity), Totals(10, 4))
    assert verdict.what is what
    assert (verdict.finding is not None) is (what is not None)
    if what in {What.REGRESSED, What.UNIGNORED}:
        assert verdict.state.status is Status.UNRESOLVED
        assert verdict.reason


@pytest.mark.parametrize(
    ("release", "in_next", "seen", "regressed"),
    [
        ("1.2", False, "1.2", True),
        ("1.2", False, "1.1", False),
        ("1.2", False, "1.10", True),
        ("1.2", True, "1.2", False),
        ("1.2", True, "1.3", True),
        ("1.2", True, "", True),
        ("abc", True, "old", False),
        ("abc", True, "new", True),
        ("abc", True, "unknown", True),
    ],
)
def test_regression_by_release(release: str, in_next: bool, seen: str, regressed: bool) -> None:
    """Only events of a release that the fix is in count, as far as an order is known."""
    state = State(severity=MEDIUM, release=release, next_release=in_next, **RESOLVED)
    verdict = judge(state, delta(releases={seen: NOW_MS}), releases={"old": 1, "abc": 2, "new": 3})
    assert (verdict.what is What.REGRESSED) is regressed
    assert verdict.state.regressions == regressed


def test_the_floor() -> None:
    """What is below it is no finding, until it rises above."""
    quiet = judge(None, delta(LOW), floor=HIGH)
    assert (quiet.what, quiet.finding) == (What.NEW, None)
    risen = judge(quiet.state, delta(HIGH), floor=HIGH)
    assert risen.what is What.NEW
    assert risen.finding is not None
    assert judge(State(severity=LOW, pinned=LOW), delta(CRITICAL), floor=HIGH).finding is None


def test_a_finding_says_what_to_do() -> None:
    """The id, the place, the counts, and the command that shows more."""
    state = State(severity=MEDIUM, **RESOLVED)
    verdict = judge(state, delta(), Totals(10, 4))
    assert verdict.finding is not None
    assert verdict.finding.key == "regressed-issue:WEB-42:1"
    assert verdict.finding.details == {
        "Project": "web",
        "Severity": "medium",
        "Issue": "WEB-42",
        "Where": "pay",
        "Why": "seen again after it was resolved",
        "Seen": "12 times, by 4 users",
        "Event": "a" * 32,
        "Look": "equerry issues show WEB-42",
    }
    assert verdict.state.told_ms == NOW_MS


def test_each_regression_is_told_by_itself() -> None:
    """The second one is another cause: an alert that still fires must not swallow it."""
    keys = []
    for times in (0, 1):
        verdict = judge(State(severity=MEDIUM, regressions=times, **RESOLVED), delta())
        assert verdict.finding is not None
        keys.append(verdict.finding.key)
    assert keys == ["regressed-issue:WEB-42:1", "regressed-issue:WEB-42:2"]
