"""Severity: an ordered table of rules, the first match wins, and its name is kept as the reason."""

import enum
import functools
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import re2

from equerry.events.report import Boundary, ErrorFacts, Level


class Severity(enum.StrEnum):
    """How much an event matters, and so who is told and how soon."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for low up to 3 for critical, for comparing."""
        return _RANK[self]

    def at_least(self, floor: "Severity") -> bool:
        """Whether this severity is the floor or above it."""
        return self.rank >= floor.rank


_RANK = {Severity.LOW: 0, Severity.MEDIUM: 1, Severity.HIGH: 2, Severity.CRITICAL: 3}


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row: every condition that is given must hold; a row without conditions always holds.

    url: shell patterns (`*`, `?`) over the whole URL, case-insensitive; any may match.
    error: shell patterns over the error's name or its message; any may match.
    handled: True matches only errors reported as handled, False only those reported as unhandled.
    """

    name: str
    severity: Severity
    boundary: tuple[Boundary, ...] = ()
    level: tuple[Level, ...] = ()
    handled: bool | None = None
    url: tuple[str, ...] = ()
    error: tuple[str, ...] = ()

    def may_hold(self, report: ErrorFacts) -> bool:
        """Whether the conditions on level, boundary and `handled` hold."""
        return (
            (not self.boundary or report.boundary in self.boundary)
            and (not self.level or report.level in self.level)
            and (self.handled is None or report.handled is self.handled)
        )

    def text_holds(self, report: ErrorFacts) -> bool:
        """Whether the conditions on the url and the error's text hold."""
        return (not self.url or _matches(report.url, self.url)) and (
            not self.error
            or _name_matches(report.name, self.error)
            or _matches(report.message, self.error)
        )


@functools.lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> Any:  # noqa: ANN401, re2 has no types
    """One linear automaton for all patterns of a condition: the text is read once."""
    escaped = (re2.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns)
    return re2.compile(f"(?is)(?:{'|'.join(escaped)})")


@functools.lru_cache(maxsize=256)
def _pieces(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the longest literal piece of each pattern: without one of them, none can match."""
    return tuple(
        max(pattern.casefold().replace("?", "*").split("*"), key=len) for pattern in patterns
    )


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    folded = text.casefold()
    return any(piece in folded for piece in _pieces(patterns)) and (
        bool(text) and _compiled(patterns).fullmatch(text) is not None
    )


@functools.lru_cache(maxsize=1024)
def _name_matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Remember names: a site has a few dozen."""
    return _matches(name, patterns)


# Words of a path on which a lost visitor is lost money. `*` spans slashes on purpose.
MONEY_PATHS = ("*/checkout*", "*/payment*", "*/pay/*", "*/pay", "*/booking*", "*/book/*", "*/book")

RECOVERABLE = (
    "ChunkLoadError*",
    "*Loading chunk * failed*",
    "*Loading CSS chunk * failed*",
    "*Failed to fetch dynamically imported module*",
    "Hydration failed*",
    "*hydration mismatch*",
    "*error while hydrating*",
    "*Text content does not match server-rendered HTML*",
    "*Minified React error #418*",
    "*Minified React error #419*",
    "*Minified React error #421*",
    "*Minified React error #422*",
    "*Minified React error #423*",
    "*Minified React error #425*",
)

DEFAULT_RULES: tuple[Rule, ...] = (
    Rule(name="level-fatal", severity=Severity.CRITICAL, level=("fatal",)),
    Rule(name="global-boundary", severity=Severity.CRITICAL, boundary=("global",)),
    Rule(name="recoverable", severity=Severity.LOW, error=RECOVERABLE),
    Rule(name="below-error", severity=Severity.LOW, level=("warning", "info", "debug")),
    Rule(
        name="unhandled-on-money-path", severity=Severity.CRITICAL, handled=False, url=MONEY_PATHS
    ),
    Rule(name="page-boundary", severity=Severity.HIGH, boundary=("page",)),
    Rule(name="unhandled", severity=Severity.HIGH, handled=False),
    Rule(name="component-boundary", severity=Severity.MEDIUM, boundary=("component",)),
    Rule(name="handled", severity=Severity.MEDIUM, handled=True),
    Rule(name="error", severity=Severity.MEDIUM),
)


NO_RULE: Literal["no-rule"] = "no-rule"


class RuleTable:
    """An ordered table of rules, ready to be asked.

    Rules that cannot hold for a level, a boundary and `handled` are left out once for all reports
    that have these in common; there are 60 such combinations.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._candidates: dict[tuple[str, str | None, bool | None], tuple[Rule, ...]] = {}

    def classify(self, report: ErrorFacts) -> tuple[Severity, str]:
        """Return the first matching rule's severity and name; medium, `no-rule` where none does."""
        facts = (report.level, report.boundary, report.handled)
        candidates = self._candidates.get(facts)
        if candidates is None:
            candidates = tuple(rule for rule in self._rules if rule.may_hold(report))
            self._candidates[facts] = candidates
        for rule in candidates:
            if rule.text_holds(report):
                return rule.severity, rule.name
        return Severity.MEDIUM, NO_RULE
