"""What is told of quotas: each window once."""

import pytest

from equerry.events.severity import Severity
from equerry.health.quotas import USED_UP, WINDOW_MS, Usage, judge, told

NOW_MS = 1_800_000_000_000
HOUR_START_MS = NOW_MS - NOW_MS % WINDOW_MS["hour"]
DAY_START_MS = NOW_MS - NOW_MS % WINDOW_MS["day"]
BEFORE_MS = HOUR_START_MS - WINDOW_MS["hour"]


@pytest.mark.parametrize(
    ("usage", "rule"),
    [
        (Usage("hour", 100, 0), None),
        (Usage("hour", 100, 79), None),
        (Usage("hour", 100, 80), "quota-nearly-used-up"),
        (Usage("hour", 100, 99, warned_ms=HOUR_START_MS), None),
        (Usage("hour", 100, 99, warned_ms=BEFORE_MS), "quota-nearly-used-up"),
        (Usage("hour", 100, 100, refused_ms=HOUR_START_MS), "quota-used-up"),
        (Usage("hour", 100, 100, refused_ms=HOUR_START_MS, told_ms=HOUR_START_MS), None),
        (Usage("hour", 100, 100, refused_ms=HOUR_START_MS, told_ms=BEFORE_MS), "quota-used-up"),
        (Usage("hour", 100, 0, refused_ms=BEFORE_MS), "quota-used-up"),
        (Usage("hour", 100, 0, refused_ms=BEFORE_MS, told_ms=BEFORE_MS), None),
        (Usage("minute", 100, 99), None),
        (Usage("minute", 100, 0, refused_ms=NOW_MS - 60_000), "quota-used-up"),
        (Usage("day", 1_000, 800), "quota-nearly-used-up"),
        (Usage("day", 1_000, 990, warned_ms=DAY_START_MS), None),
    ],
)
def test_judge(usage: Usage, rule: str | None) -> None:
    """A window that refused is told once, even when it is over; a nearly full one once before."""
    finding = judge(usage, "web", NOW_MS)
    assert (finding and finding.rule) == rule
    if finding is not None:
        severity = Severity.MEDIUM if rule == USED_UP else Severity.LOW
        assert (finding.severity, finding.key) == (severity, f"{rule}:{usage.window}")
        field, start_ms = told(usage, finding, NOW_MS)
        again = Usage(
            usage.window,
            usage.quota,
            usage.accepted,
            refused_ms=usage.refused_ms,
            told_ms=start_ms if field.startswith("told-") else usage.told_ms,
            warned_ms=start_ms if field.startswith("warned-") else usage.warned_ms,
        )
        assert judge(again, "web", NOW_MS) is None


def test_the_finding_says_until_when() -> None:
    """Whoever reads it knows what is refused, and when that ends."""
    finding = judge(Usage("day", 1_000, 1_000, refused_ms=DAY_START_MS), "web", NOW_MS)
    assert finding is not None
    assert "1,000 events a day" in finding.title
    assert finding.title.endswith("refused until 2027-01-16T00:00:00Z")
