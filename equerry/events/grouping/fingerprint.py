"""Which issue an error belongs to, what older versions said, why, and where it happened."""

from equerry.events.grouping import explanation, parts, version_0
from equerry.events.grouping.explanation import Explanation
from equerry.events.report import ErrorFacts

VERSION = parts.VERSION
_CULPRIT = 120


def fingerprint(report: ErrorFacts) -> str:
    """Return 32 lower-case hex digits, equal for errors of one cause."""
    return parts.hashed(parts.of(report).texts)


def older(report: ErrorFacts) -> tuple[str, ...]:
    """Return what earlier versions gave, the newest first: an issue keeps its first fingerprint."""
    return (version_0.fingerprint(report),)


def explain(report: ErrorFacts) -> Explanation:
    """Return how the fingerprint came about, part by part."""
    return explanation.of(report)


def culprit(report: ErrorFacts) -> str:
    """Return where it happened: the transaction, or `function (file)`; "" where nothing says."""
    where = report.transaction
    if not where:
        selections = parts.default(report).selections
        found = selections[-1].calls if selections else ()
        own = next((each for each in found if each.in_app), found[0] if found else None)
        where = own.shown if own else ""
    return where if len(where) <= _CULPRIT else f"{where[: _CULPRIT - 1]}…"
