"""Which issue an error belongs to, and what that issue is about."""

from equerry.events.fingerprint import VERSION, fingerprint
from equerry.events.report import ErrorFacts

__all__ = ["VERSION", "culprit", "fingerprint", "older"]


def older(_report: ErrorFacts) -> tuple[str, ...]:
    """Return the fingerprints that earlier versions gave."""
    return ()


def culprit(report: ErrorFacts) -> str:
    """Return where it happened, in a few words."""
    return report.transaction or report.component
