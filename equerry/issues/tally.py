"""What a run of events adds to the index. Pure; the same for a batch and for a whole archive."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from equerry import clock
from equerry.events import drops
from equerry.events.event import NOISE, OWN, Event
from equerry.events.quantity import bounded
from equerry.events.report import DropReport, ErrorFacts, MetricReport, SessionReport
from equerry.events.severity import Severity

TITLE_CHARS = 200
UNTITLED = "(no message)"

# One per navigation: where a site sends no page views of its own, these stand in.
PAGE_VIEW_EVENT = "page_view"
NAVIGATION_METRIC = "TTFB"


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event worth looking at: its place among those of the delta, from 0, and where it is."""

    place: int
    stream_id: str
    event_id: str


class IssueDelta(msgspec.Struct):
    """What a run of events adds to one issue. Times are epoch milliseconds.

    report: the first of them. hours: hour since the epoch → events. users: who they happened to.
    facets: level, environment and release → events. tags: `key=value` → events. releases: release →
    when it was seen last; since: when first, in that order. samples: the first, and ever fewer
    after it. last: the newest.
    """

    report: ErrorFacts
    severity: Severity
    first_ms: int
    last_ms: int
    event_id: str
    last: Sample
    count: int = 0
    hours: dict[int, int] = {}
    users: set[str] = set()
    facets: dict[tuple[str, str, str], int] = {}
    tags: dict[str, int] = {}
    releases: dict[str, int] = {}
    since: dict[str, int] = {}
    samples: list[Sample] = []

    @property
    def title(self) -> str:
        """What the issue is called."""
        return title(self.report)


class Tally(msgspec.Struct):
    """What a run of events adds: counters by bucket name, and issues by fingerprint."""

    counts: dict[str, Counter[str]]
    issues: dict[str, IssueDelta]


def title(report: ErrorFacts) -> str:
    """Return what an issue is called: `Name: first line of the message`, cut; never nothing."""
    first = report.message.strip().partition("\n")[0].rstrip()
    text = ": ".join(part for part in (report.name, first) if part) or UNTITLED
    return text if len(text) <= TITLE_CHARS else text[: TITLE_CHARS - 1] + "…"


_METRIC_ONLY = (("metrics", 1),)
_PAGE_VIEW = (("metrics", 1), ("page_views", 1))
_NAVIGATION = (("metrics", 1), ("navigations", 1))

Moves = tuple[tuple[str, int], ...]

_FAILURES = frozenset({"error", "fatal"})
# (severity, whether it is a failure) → what an error of these moves.
_ERRORS: dict[tuple[Severity, bool], Moves] = {
    (severity, failed): (
        ("errors", 1),
        (f"errors.{severity.value}", 1),
        *((("failures", 1),) if failed else ()),
    )
    for severity in Severity
    for failed in (True, False)
}


def moves(event: Event) -> Moves:
    """Return the counters that one event moves, and by how much; Equerry's own move none."""
    report = event.report
    match report:
        case ErrorFacts() if event.kind == NOISE:
            moved: Moves = (("noise", 1), (f"noise.{event.noise}", 1))
        case ErrorFacts() if event.severity is not None:
            moved = _ERRORS[event.severity, report.level in _FAILURES]
        case MetricReport() if report.event == PAGE_VIEW_EVENT:
            moved = _PAGE_VIEW
        case MetricReport():
            moved = _NAVIGATION if report.name == NAVIGATION_METRIC else _METRIC_ONLY
        case SessionReport():
            started, crashed = bounded(report.started), bounded(report.crashed)
            moved = (("sessions", started), ("sessions.crashed", crashed))
        case DropReport():
            reason, category = drops.name(report)
            moved = ((f"dropped.{reason}.{category}", bounded(report.quantity)),)
        case _:
            moved = () if event.kind in OWN else ((event.kind, 1),)
    return moved


def tally(events: Iterable[Event]) -> Tally:
    """Count the events by minute, hour and day of receipt, and by issue."""
    counts: dict[str, Counter[str]] = {}
    issues: dict[str, IssueDelta] = {}
    by_minute: dict[int, dict[Moves, int]] = {}
    this = -1
    groups: dict[Moves, int] = {}
    for event in events:
        if moved := moves(event):
            minute = event.received_ms // 60_000
            if minute != this:  # nearly all of a batch came in one
                this, groups = minute, by_minute.setdefault(minute, {})
            groups[moved] = groups.get(moved, 0) + 1
        if event.fingerprint:
            _add_to_issue(issues, event)
    for minute, groups in by_minute.items():
        at_ms = minute * 60_000
        for bucket in (clock.minute(at_ms), clock.hour(at_ms), clock.day(at_ms)):
            counter = counts.setdefault(bucket, Counter())
            for moved, number in groups.items():
                for field, by in moved:
                    counter[field] += by * number
    return Tally(counts, issues)


def _add_to_issue(issues: dict[str, IssueDelta], event: Event) -> None:
    report, severity = event.report, event.severity
    if not isinstance(report, ErrorFacts) or severity is None:
        return
    at_ms = event.received_ms
    delta = issues.get(event.fingerprint)
    if delta is None:
        first = Sample(0, event.stream_id, event.id)
        delta = IssueDelta(report, severity, at_ms, at_ms, event.id, first)
        issues[event.fingerprint] = delta
    place = delta.count
    delta.count = place + 1
    if not place & (place - 1):  # 0, 1, 2, 4, 8, …
        delta.samples.append(Sample(place, event.stream_id, event.id))
    delta.last = Sample(place, event.stream_id, event.id)
    if at_ms < delta.first_ms:
        delta.first_ms = at_ms
    elif at_ms > delta.last_ms:
        delta.last_ms = at_ms
    if severity.rank > delta.severity.rank:
        delta.severity = severity
    hour = at_ms // 3_600_000
    delta.hours[hour] = delta.hours.get(hour, 0) + 1
    # Without an id, a network and a browser tell visitors apart well enough to count them.
    delta.users.add(report.user or f"{report.address} {report.user_agent}")
    release = report.release
    seen_ms = delta.releases.get(release)
    if seen_ms is None:
        delta.since[release] = delta.releases[release] = at_ms
    elif at_ms >= seen_ms:
        delta.releases[release] = at_ms
    facet = (report.level, report.environment, report.release)
    delta.facets[facet] = delta.facets.get(facet, 0) + 1
    for key, value in report.tags.items():
        tag = f"{key}={value}"
        delta.tags[tag] = delta.tags.get(tag, 0) + 1
