"""Whether an issue is what a query asks for. Pure."""

from collections.abc import Callable

from equerry.clock import DAY_MS
from equerry.issues.query import Is, Key, Query, Sort, Term
from equerry.issues.record import Place, Record
from equerry.issues.state import Status, short_id

# Asked of the tags' distribution, under this name.
_TAGGED = {Key.RELEASE: "release", Key.ENVIRONMENT: "environment", Key.LEVEL: "level"}


def tags(query: Query) -> list[str]:
    """Return the `key=value`s that the query needs to know of."""
    return sorted({_tag(term) for term in query.terms if term.key in {*_TAGGED, Key.TAG}})


def _tag(term: Term) -> str:
    return term.text if term.key is Key.TAG else f"{_TAGGED[term.key]}={term.text}"


def may_match(query: Query, place: Place, project: str, now_ms: int) -> bool:
    """Whether what is known without reading the issue lets it match. project: its slug."""
    return all(
        _PLACES[term.key](term, place, project, now_ms) is not term.negated
        for term in query.terms
        if term.key in _PLACES
    )


def matches(query: Query, record: Record, now_ms: int) -> bool:
    """Whether the rest matches too."""
    return all(
        _RECORDS[term.key](term, record, now_ms) is not term.negated
        for term in query.terms
        if term.key in _RECORDS
    )


def rank(sort: Sort, record: Record) -> int:
    """Return the number by which an issue is sorted, the highest first."""
    return _RANKS[sort](record)


def _is(term: Term, place: Place) -> bool:
    state = place.state
    match Is(term.text):
        case Is.REGRESSED:
            return state.regressions > 0 and state.status is Status.UNRESOLVED
        case Is.ASSIGNED:
            return bool(state.assignee)
        case Is.UNASSIGNED:
            return not state.assignee
        case _:
            return state.status == term.text


def _compares(term: Term, value: int, now_ms: int = 0) -> bool:
    number = term.number if term.ago_ms is None else now_ms - term.ago_ms
    match term.compare:
        case ">":
            return value > number
        case ">=":
            return value >= number
        case "<":
            return value < number
        case "<=":
            return value <= number
        case _:
            return value == number


def _when(term: Term, at_ms: int, now_ms: int) -> bool:
    """A day or a moment by itself means that day, or the day that begins then."""
    if term.compare == "=" and term.ago_ms is None:
        return term.number <= at_ms < term.number + DAY_MS
    return _compares(term, at_ms, now_ms)


def _assigned(term: Term, place: Place) -> bool:
    if term.text in {"nobody", "none"}:
        return not place.state.assignee
    return place.state.assignee.casefold() == term.text.casefold()


def _issue(term: Term, place: Place, project: str) -> bool:
    wanted = term.text.upper()
    return any(short_id(project, part) == wanted for part in place.parts)


_PLACES: dict[Key, Callable[[Term, Place, str, int], bool]] = {
    Key.IS: lambda term, place, _project, _now: _is(term, place),
    Key.ASSIGNED: lambda term, place, _project, _now: _assigned(term, place),
    Key.SEVERITY: lambda term, place, _project, _now: _compares(term, place.state.rated.rank),
    Key.LAST_SEEN: lambda term, place, _project, now_ms: _when(term, place.last_ms, now_ms),
    Key.ISSUE: lambda term, place, project, _now: _issue(term, place, project),
}


def _has(term: Term, text: str) -> bool:
    return term.text.casefold() in text.casefold()


_RECORDS: dict[Key, Callable[[Term, Record, int], bool]] = {
    Key.RELEASE: lambda term, record, _now: _tag(term) in record.tags,
    Key.ENVIRONMENT: lambda term, record, _now: _tag(term) in record.tags,
    Key.LEVEL: lambda term, record, _now: _tag(term) in record.tags,
    Key.TAG: lambda term, record, _now: _tag(term) in record.tags,
    Key.FIRST_RELEASE: lambda term, record, _now: record.first_release == term.text,
    Key.TITLE: lambda term, record, _now: _has(term, record.title),
    Key.CULPRIT: lambda term, record, _now: _has(term, record.culprit),
    Key.PLATFORM: lambda term, record, _now: record.platform == term.text,
    Key.FIRST_SEEN: lambda term, record, now_ms: _when(term, record.first_ms, now_ms),
    Key.TIMES_SEEN: lambda term, record, _now: _compares(term, record.count),
    Key.USERS: lambda term, record, _now: _compares(term, record.users),
    Key.WORD: lambda term, record, _now: _has(term, f"{record.title}\n{record.culprit}"),
}
_RANKS: dict[Sort, Callable[[Record], int]] = {
    Sort.LAST_SEEN: lambda record: record.place.last_ms,
    Sort.FIRST_SEEN: lambda record: record.first_ms,
    Sort.TIMES_SEEN: lambda record: record.count,
    Sort.USERS: lambda record: record.users,
    Sort.SEVERITY: lambda record: record.state.rated.rank,
}
