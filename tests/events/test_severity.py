"""Severity: the first rule that holds, and its name as the reason."""

from typing import Any

import pytest

from equerry.events.report import ErrorFacts
from equerry.events.severity import DEFAULT_RULES, NO_RULE, Rule, RuleTable, Severity

PAY = "https://example.org/Checkout/step-2?x=1"


def facts(**given: Any) -> ErrorFacts:
    """Return an error of these facts."""
    return ErrorFacts(timestamp="", message=given.pop("message", "boom"), **given)


@pytest.mark.parametrize(
    ("given", "severity", "reason"),
    [
        ({"level": "fatal"}, "critical", "level-fatal"),
        ({"level": "fatal", "name": "ChunkLoadError"}, "critical", "level-fatal"),
        ({"boundary": "global"}, "critical", "global-boundary"),
        ({"boundary": "global", "level": "warning"}, "critical", "global-boundary"),
        ({"handled": False, "url": PAY}, "critical", "unhandled-on-money-path"),
        ({"handled": False, "url": "https://x/bookings"}, "critical", "unhandled-on-money-path"),
        ({"handled": True, "url": PAY}, "medium", "handled"),
        ({"boundary": "page", "handled": False, "url": PAY}, "critical", "unhandled-on-money-path"),
        ({"boundary": "page"}, "high", "page-boundary"),
        ({"handled": False, "url": "https://x/about"}, "high", "unhandled"),
        ({"boundary": "component"}, "medium", "component-boundary"),
        ({"boundary": "component", "handled": False}, "high", "unhandled"),
        ({"handled": True}, "medium", "handled"),
        ({}, "medium", "error"),
        ({"level": "warning"}, "low", "below-error"),
        ({"level": "info", "handled": False}, "low", "below-error"),
        ({"name": "ChunkLoadError", "handled": False}, "low", "recoverable"),
        ({"message": "Loading chunk 42 failed."}, "low", "recoverable"),
        ({"message": "Minified React error #418; visit …"}, "low", "recoverable"),
        ({"message": "Minified React error #310; visit …"}, "medium", "error"),
        ({"message": "Hydration failed because …", "handled": False}, "low", "recoverable"),
        ({"message": "Importing a module script failed.", "handled": False}, "low", "recoverable"),
        ({"message": "Failed to rehydrate the cart"}, "medium", "error"),
    ],
)
def test_default_table(given: dict[str, Any], severity: str, reason: str) -> None:
    """The order decides: what a visitor loses comes before what mends itself."""
    assert RuleTable(DEFAULT_RULES).classify(facts(**given)) == (severity, reason)


@pytest.mark.parametrize(
    ("pattern", "url", "holds"),
    [
        ("*/pay", "https://x/pay", True),
        ("*/pay", "https://x/pay/2", False),
        ("*/PAY*", "https://x/pay/2", True),
        ("https://x/?", "https://x/a", True),
        ("https://x/?", "https://x/ab", False),
        ("*.(a+)+$*", "https://x/aaaa", False),
        ("*[a]*", "https://x/[a]", True),
        ("*\n*", "https://x/\n", True),
    ],
)
def test_patterns_are_shell_patterns(pattern: str, url: str, holds: bool) -> None:
    """`*` and `?`, in either case, and nothing else means anything."""
    table = RuleTable([Rule(name="r", severity=Severity.HIGH, url=(pattern,))])
    assert (table.classify(facts(url=url))[1] == "r") is holds


def test_every_condition_must_hold() -> None:
    """A row with several conditions is their conjunction."""
    rule = Rule(name="r", severity=Severity.HIGH, level=("error",), handled=True, url=("*a*",))
    table = RuleTable([rule])
    assert table.classify(facts(handled=True, url="xax")) == ("high", "r")
    assert table.classify(facts(handled=False, url="xax")) == ("medium", NO_RULE)
    assert table.classify(facts(handled=True, url="x")) == ("medium", NO_RULE)
    assert table.classify(facts(level="info", handled=True, url="xax")) == ("medium", NO_RULE)


def test_reports_that_differ_in_text_only_are_told_apart() -> None:
    """What is remembered for level, boundary and `handled` is not remembered for the text."""
    table = RuleTable(DEFAULT_RULES)
    for _ in range(2):
        assert table.classify(facts(handled=False, url=PAY))[0] == "critical"
        assert table.classify(facts(handled=False, url="https://x/"))[0] == "high"
        assert table.classify(facts(handled=False, name="ChunkLoadError"))[0] == "low"
