"""What an issue's new events make of it, and which of that is worth telling. Pure."""

import enum
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from equerry.events.grouping import fingerprint as fingerprints
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues import release_order
from equerry.issues.state import State, Status
from equerry.issues.tally import IssueDelta

# A known issue of at least this severity is told again while it goes on; lesser ones only once.
GOES_ON = Severity.HIGH
CULPRIT_CHARS = 200


class What(enum.StrEnum):
    """What happened to an issue; the values are the rules of its findings."""

    NEW = "new-issue"
    REGRESSED = "regressed-issue"
    UNIGNORED = "unignored-issue"
    WORSE = "worse-issue"


class Totals(msgspec.Struct, frozen=True):
    """An issue's events before these ones, and its users, theirs among them."""

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
        return _told(issue, delta, Verdict(first, What.NEW, "never seen"), totals, terms)
    worse = delta.severity.rank > state.severity.rank
    after = replace(state, severity=delta.severity) if worse else state
    if state.status is Status.UNRESOLVED:
        verdict = _open(delta, state, after, terms)
    elif state.status is Status.RESOLVED:
        verdict = _resolved(delta, after, terms.releases)
    else:
        verdict = _ignored(delta, after, totals)
    return _told(issue, delta, verdict, totals, terms)


def _open(delta: IssueDelta, before: State, after: State, terms: Terms) -> Verdict:
    if not before.rated.at_least(terms.floor) and after.rated.at_least(terms.floor):
        return Verdict(after, What.NEW, "never told before")
    if after.rated.rank > before.rated.rank:
        return Verdict(after, What.WORSE, "graver than ever seen")
    graded = after.pinned or delta.severity
    if graded.at_least(GOES_ON) and delta.last_ms - after.told_ms >= terms.repeat_ms:
        return Verdict(after, What.NEW, "grave, and going on")
    return Verdict(after)


def _resolved(delta: IssueDelta, state: State, releases: Mapping[str, int]) -> Verdict:
    reason = _regressed(delta, state, releases)
    if not reason:
        return Verdict(state)
    again = replace(state.put(Status.UNRESOLVED, delta.last_ms), regressions=state.regressions + 1)
    return Verdict(again, What.REGRESSED, reason)


def _ignored(delta: IssueDelta, state: State, totals: Totals) -> Verdict:
    reason = _ignored_no_more(delta, state, totals)
    if not reason:
        return Verdict(state)
    return Verdict(state.put(Status.UNRESOLVED, delta.last_ms), What.UNIGNORED, reason)


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


def _told(issue: str, delta: IssueDelta, verdict: Verdict, totals: Totals, terms: Terms) -> Verdict:
    """Add the finding, where something happened and the issue matters enough."""
    state, what = verdict.state, verdict.what
    severity = state.pinned or delta.severity
    if what is None or not severity.at_least(terms.floor):
        return verdict
    finding = Finding(
        rule=what.value,
        key=_key(issue, what, state, severity),
        severity=severity,
        title=delta.title,
        at_ms=delta.first_ms,
        details=_details(issue, delta, verdict, totals, terms),
    )
    return replace(verdict, finding=finding, state=replace(state, told_ms=delta.last_ms))


def _key(issue: str, what: What, state: State, severity: Severity) -> str:
    """Each regression and each end of ignoring is a cause of its own; what goes on is the same."""
    cause = {
        What.NEW: "",
        What.REGRESSED: f":{state.regressions}",
        What.UNIGNORED: f":{state.since_ms}",
        What.WORSE: f":{severity.value}",
    }
    return f"{what.value}:{issue}{cause[what]}"


def _details(
    issue: str, delta: IssueDelta, verdict: Verdict, totals: Totals, terms: Terms
) -> dict[str, str]:
    count = totals.count + delta.count
    details = {
        "Project": terms.project,
        "Severity": (verdict.state.pinned or delta.severity).value,
        "Issue": issue,
        "Where": fingerprints.culprit(delta.report)[:CULPRIT_CHARS],
        "Why": verdict.reason if verdict.what in {What.REGRESSED, What.UNIGNORED} else "",
        "Seen": f"{count:,} times, by {totals.users:,} users" if totals.users else "",
        "Event": delta.event_id,
        "Look": f"equerry issues show {issue}",
    }
    return {label: text for label, text in details.items() if text}
