"""What a run of events adds to the index. Pure; the same for a batch and for a whole archive."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from equerry import clock
from equerry.events.event import ERRORS, METRICS, NOISE, Event
from equerry.events.report import ErrorFacts, MetricReport
from equerry.events.severity import Severity

TITLE_CHARS = 200

# One per navigation: where a site sends no page views of its own, these stand in.
PAGE_VIEW_EVENT = "page_view"
NAVIGATION_METRIC = "TTFB"


class IssueDelta(msgspec.Struct):
    """What a run of events adds to one issue. Times are epoch milliseconds."""

    title: str
    severity: Severity
    first_ms: int
    last_ms: int
    event_id: str
    count: int = 0


class Tally(msgspec.Struct):
    """What a run of events adds: counters by bucket name, and issues by fingerprint."""

    counts: dict[str, Counter[str]]
    issues: dict[str, IssueDelta]


def title(report: ErrorFacts) -> str:
    """Return what an issue is called: `Name: first line of the message`, cut."""
    first = report.message.strip().partition("\n")[0]
    text = f"{report.name}: {first}" if report.name else first
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1] + "…"


def fields(event: Event) -> tuple[str, ...]:
    """Return the counters that one event moves."""
    report = event.report
    if event.kind == ERRORS and event.severity is not None:
        counted = ("errors", f"errors.{event.severity.value}")
        failed = isinstance(report, ErrorFacts) and report.level in {"error", "fatal"}
        return (*counted, "failures") if failed else counted
    if event.kind == NOISE:
        return ("noise", f"noise.{event.noise}")
    if event.kind == METRICS and isinstance(report, MetricReport):
        if report.event == PAGE_VIEW_EVENT:
            return ("metrics", "page_views")
        if report.name == NAVIGATION_METRIC:
            return ("metrics", "navigations")
        return ("metrics",)
    return ()


def tally(events: Iterable[Event]) -> Tally:
    """Count the events by minute, hour and day of receipt, and by issue."""
    counts: dict[str, Counter[str]] = {}
    issues: dict[str, IssueDelta] = {}
    by_minute: dict[int, Counter[tuple[str, ...]]] = {}
    for event in events:
        moved = fields(event)
        if moved:
            by_minute.setdefault(event.received_ms // 60_000, Counter())[moved] += 1
        if event.fingerprint:
            _add_to_issue(issues, event)
    for minute, groups in by_minute.items():
        at_ms = minute * 60_000
        for bucket in (clock.minute(at_ms), clock.hour(at_ms), clock.day(at_ms)):
            counter = counts.setdefault(bucket, Counter())
            for moved, number in groups.items():
                for field in moved:
                    counter[field] += number
    return Tally(counts, issues)


def _add_to_issue(issues: dict[str, IssueDelta], event: Event) -> None:
    report, severity = event.report, event.severity
    if not isinstance(report, ErrorFacts) or severity is None:
        return
    at_ms = event.received_ms
    delta = issues.get(event.fingerprint)
    if delta is None:
        delta = IssueDelta(title(report), severity, at_ms, at_ms, event.id)
        issues[event.fingerprint] = delta
    delta.count += 1
    delta.first_ms = min(delta.first_ms, at_ms)
    delta.last_ms = max(delta.last_ms, at_ms)
    if severity.rank > delta.severity.rank:
        delta.severity = severity
