"""What an issue's new events make of it, and which of that is worth telling. Pure."""

import enum
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues import release_order
from equerry.issues.state import State, Status
from equerry.issues.tally import IssueDelta

# A known issue of at least this severity is told again while it goes on; lesser ones only once.
GOES_ON = Severity.HIGH


class What(enum.StrEnum):
    """What happened to an issue; the values are the rules of its findings."""

    NEW = "new-issue"
    REGRESSED = "regressed-issue"
    UNIGNORED = "unignored-issue"
    WORSE = "worse-issue"


class Totals(msgspec.Struct, frozen=True):
    """An issue's count of events and of users before these events."""

    count: int = 0
    users: int = 0


class Terms(msgspec.Struct, frozen=True):
    """What the rules know beside the issue. project: its slug.

    floor: the least severity told. repeat_ms: how long a grave issue that goes on is left alone
    once told. releases: release → when it was first seen, of those that matter here.
    """

    project: str
    floor: Severity
    repeat_ms: int
    releases: Mapping[str, int] = {}


class Verdict(msgspec.Struct, frozen=True):
    """The state after, what happened (None: nothing of note), why, and what to tell of it."""

    state: State
    what: What | None = None
    reason: str = ""
    finding: Finding | None = None


def judge(
    issue: str, delta: IssueDelta, state: State | None, totals: Totals, terms: Terms
) -> Verdict:
    """Judge an issue after new events. issue: its short id. state: None for one never seen."""
    if state is None:
        first = State(severity=delta.severity, since_ms=delta.first_ms)
        return _told(issue, delta, Verdict(first, What.NEW, "never seen"), terms)
    worse = delta.severity.rank > state.severity.rank
    after = replace(state, severity=delta.severity) if worse else state
    if state.status is Status.RESOLVED:
        reason = _regressed(delta, state, terms.releases)
        if not reason:
            return Verdict(after)
        again = replace(
            after.put(Status.UNRESOLVED, delta.last_ms), regressions=after.regressions + 1
        )
        return _told(issue, delta, Verdict(again, What.REGRESSED, reason), terms)
    if state.status is Status.IGNORED:
        reason = _ignored_no_more(delta, state, totals)
        if not reason:
            return Verdict(after)
        back = after.put(Status.UNRESOLVED, delta.last_ms)
        return _told(issue, delta, Verdict(back, What.UNIGNORED, reason), terms)
    if not state.rated.at_least(terms.floor) and after.rated.at_least(terms.floor):
        return _told(issue, delta, Verdict(after, What.NEW, "never told before"), terms)
    if worse and after.rated.rank > state.rated.rank:
        return _told(issue, delta, Verdict(after, What.WORSE, "graver than ever seen"), terms)
    return _goes_on(issue, delta, after, terms)


def _goes_on(issue: str, delta: IssueDelta, after: State, terms: Terms) -> Verdict:
    graded = after.pinned or delta.severity
    if graded.at_least(GOES_ON) and delta.last_ms - after.told_ms >= terms.repeat_ms:
        told = _told(issue, delta, Verdict(after, What.NEW, "grave, and going on"), terms)
        return replace(told, what=None)
    return Verdict(after)


def _regressed(delta: IssueDelta, state: State, releases: Mapping[str, int]) -> str:
    """Return why an event is a regression, or "". An order that nobody knows counts as one."""
    late = [name for name, last_ms in delta.releases.items() if last_ms > state.since_ms]
    for name in late:
        if not state.release:
            return "seen again after it was resolved"
        if not name:
            return f"seen again, in an event without a release, after {state.release}"
        if name == state.release:
            if not state.next_release:
                return f"seen again in {name}, in which it was resolved"
            continue
        if release_order.is_after(name, state.release, releases) is not False:
            return f"seen again in {name}, after {state.release}"
    return ""


def _ignored_no_more(delta: IssueDelta, state: State, totals: Totals) -> str:
    if state.until_ms and delta.last_ms >= state.until_ms:
        return "the time for which it was ignored is over"
    if state.until_count and totals.count + delta.count >= state.until_count:
        return f"seen {totals.count + delta.count} times"
    if state.until_users and totals.users >= state.until_users:
        return f"{totals.users} users met it"
    return ""


def _told(issue: str, delta: IssueDelta, verdict: Verdict, terms: Terms) -> Verdict:
    """Add the finding, where the issue matters enough."""
    state, what = verdict.state, verdict.what
    severity = state.pinned or delta.severity
    if what is None or not severity.at_least(terms.floor):
        return verdict
    key = f"{what.value}:{issue}"
    if what is What.WORSE:
        key = f"{key}:{severity.value}"
    finding = Finding(
        rule=what.value,
        key=key,
        severity=severity,
        title=delta.title,
        at_ms=delta.first_ms,
        details={
            "Project": terms.project,
            "Severity": severity.value,
            "Issue": issue,
            "Event": delta.event_id,
            **({"Why": verdict.reason} if what in {What.REGRESSED, What.UNIGNORED} else {}),
        },
    )
    return replace(verdict, finding=finding, state=replace(state, told_ms=delta.last_ms))
