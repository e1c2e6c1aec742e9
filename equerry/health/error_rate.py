"""Errors per page view, or per session, over a minute, an hour and a day. Pure."""

import enum
from collections.abc import Mapping

import msgspec

from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.health.wilson import lower_bound

RULE = "error-rate"


class Verdict(enum.StrEnum):
    """What a window says. Too few page views or sessions is never «ok»."""

    OK = "ok"
    HIGH = "high"
    INSUFFICIENT = "insufficient-data"


# What errors are compared with, the first that a site reports: counter → what it is called.
VISITS = {"page_views": "page views", "navigations": "navigations", "sessions": "sessions"}


class Window(msgspec.Struct, frozen=True):
    """One window. per: what `visits` are, one of VISITS. sure_rate: the Wilson lower bound."""

    name: str
    errors: int
    visits: int
    per: str
    sure_rate: float
    verdict: Verdict


def judge(name: str, counts: Mapping[str, int], *, threshold: float, min_page_views: int) -> Window:
    """Judge one window's counters.

    Errors are those of level `error` or `fatal`: a warning is no failure. Page views are what the
    site reports as such; where it reports none, its navigations (one TTFB metric each) stand in,
    and where it has none of these either, the sessions that its SDK reports.
    """
    errors = counts.get("failures", 0)
    counted = next((counter for counter in VISITS if counts.get(counter, 0)), "page_views")
    visits = counts.get(counted, 0)
    sure = lower_bound(errors, visits)
    if visits < min_page_views:
        verdict = Verdict.INSUFFICIENT
    else:
        verdict = Verdict.HIGH if sure > threshold else Verdict.OK
    return Window(name, errors, visits, VISITS[counted], sure, verdict)


def finding(windows: list[Window], project: str, threshold: float, now_ms: int) -> Finding | None:
    """Return one finding for the windows that are high, None where none is."""
    high = [window for window in windows if window.verdict is Verdict.HIGH]
    if not high:
        return None
    worst = max(high, key=lambda window: window.sure_rate)
    return Finding(
        rule=RULE,
        key=RULE,
        severity=Severity.CRITICAL,
        title=(
            f"Error rate of {project} above {threshold:.0%}: "
            f"{worst.errors} errors in {worst.visits} {worst.per} in the last {worst.name}"
        ),
        at_ms=now_ms,
        details={"Project": project}
        | {
            f"Last {window.name}": (
                f"{window.errors} errors in {window.visits} {window.per} "
                f"(surely above {window.sure_rate:.1%})"
            )
            for window in high
        },
    )
