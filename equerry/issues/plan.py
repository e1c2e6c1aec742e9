"""What a batch does to the index: numbers, states, journal and findings. Pure."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues import journal, rules
from equerry.issues.journal import Deed, Line
from equerry.issues.lookup import Known
from equerry.issues.rules import Terms, Totals, Verdict, What
from equerry.issues.state import State, short_id
from equerry.issues.tally import IssueDelta, Tally
from equerry.issues.update import Addition

_DEEDS = {What.REGRESSED: Deed.REGRESSED, What.UNIGNORED: Deed.UNIGNORED}


class Policy(msgspec.Struct, frozen=True):
    """Which issues are told, and how often. project: its slug."""

    project: str
    floor: Severity = Severity.LOW
    repeat_ms: int = 4 * 3_600_000


class Plan(msgspec.Struct, frozen=True):
    """What to write. numbers: fingerprint → number, of those that have none in the index yet.

    highest: the highest number given so far. states: those that change, by number. findings: the
    most severe first: they lead their groups.
    """

    additions: tuple[Addition, ...]
    numbers: dict[str, int]
    highest: int
    states: dict[int, State]
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


def plan(tally: Tally, known: Known, policy: Policy) -> Plan:
    """Decide what becomes of each issue of the tally, given what is known of them."""
    additions: list[Addition] = []
    numbers: dict[str, int] = {}
    lines: list[Line] = []
    wholes: dict[int, list[IssueDelta]] = {}
    highest = known.highest
    for name, delta in tally.issues.items():
        number = known.numbers.get(name)
        deed = None
        if number is None:
            highest = number = highest + 1
            deed = Deed.CREATED
        elif name in known.linked:
            deed = Deed.LINKED
        if deed:
            numbers[name] = number
            lines.append(journal.line(deed, number, delta.first_ms, fingerprint=name))
        additions.append(Addition(number, name, delta, new=deed is Deed.CREATED))
        wholes.setdefault(known.whole(number), []).append(delta)
    states: dict[int, State] = {}
    findings: list[Finding] = []
    terms = Terms(policy.project, policy.floor, policy.repeat_ms, known.releases)
    for number, deltas in wholes.items():
        verdict = _judge(number, deltas, known, terms)
        if verdict.state != known.states.get(number):
            states[number] = verdict.state
        if verdict.finding:
            findings.append(verdict.finding)
        if verdict.what in _DEEDS:
            at_ms = max(delta.last_ms for delta in deltas)
            deed = _DEEDS[verdict.what]
            lines.append(
                journal.line(deed, number, at_ms, note=verdict.reason, state=verdict.state)
            )
    findings.sort(key=lambda finding: -finding.severity.rank)
    return Plan(tuple(additions), numbers, highest, states, tuple(lines), tuple(findings))


def _judge(number: int, deltas: list[IssueDelta], known: Known, terms: Terms) -> Verdict:
    return rules.judge(
        short_id(terms.project, number),
        deltas[0] if len(deltas) == 1 else _together(deltas),
        known.states.get(number),
        known.totals.get(number, Totals()),
        terms,
    )


def _together(deltas: Iterable[IssueDelta]) -> IssueDelta:
    """Return what the rules need of several parts of one issue."""
    ordered = sorted(deltas, key=lambda delta: -delta.severity.rank)
    first, *others = ordered
    releases = dict(first.releases)
    for other in others:
        for name, last_ms in other.releases.items():
            releases[name] = max(last_ms, releases.get(name, 0))
    return replace(
        first,
        count=sum(delta.count for delta in ordered),
        first_ms=min(delta.first_ms for delta in ordered),
        last_ms=max(delta.last_ms for delta in ordered),
        releases=releases,
    )
