"""What people ask for among the issues: `is:unresolved release:1.2 users:>5 checkout`. Pure.

Terms are joined by «and»; `!` before one turns it round. Words without a key are looked for in
title and culprit. Values with spaces stand in double quotes.
"""

import enum
import re
from collections.abc import Callable

import msgspec

from equerry import clock
from equerry.errors import QueryError
from equerry.events.severity import Severity

MOST_CHARS = 1_000
MOST_TERMS = 30
_MOST_DIGITS = 15


class Sort(enum.StrEnum):
    """What the list is ordered by: the latest, the most or the gravest first."""

    LAST_SEEN = "lastSeen"
    FIRST_SEEN = "firstSeen"
    TIMES_SEEN = "times_seen"
    USERS = "users"
    SEVERITY = "severity"


class Key(enum.StrEnum):
    """What may be asked."""

    IS = "is"
    ASSIGNED = "assigned"
    RELEASE = "release"
    FIRST_RELEASE = "firstRelease"
    ENVIRONMENT = "environment"
    LEVEL = "level"
    SEVERITY = "severity"
    TITLE = "title"
    CULPRIT = "culprit"
    PLATFORM = "platform"
    ISSUE = "issue"
    LAST_SEEN = "lastSeen"
    FIRST_SEEN = "firstSeen"
    TIMES_SEEN = "times_seen"
    USERS = "users"
    TAG = "tags[NAME]"
    WORD = "word"


class Is(enum.StrEnum):
    """The values of `is:`."""

    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    REGRESSED = "regressed"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"


class Term(msgspec.Struct, frozen=True):
    """One condition.

    text: what is compared, or `name=value` of a tag. compare: `=`, `<`, `<=`, `>` or `>=`.
    number: a count, a severity's rank or a time (epoch ms). ago_ms: in its place, for a time that
    is told from now.
    """

    key: Key
    text: str = ""
    compare: str = "="
    number: int = 0
    ago_ms: int | None = None
    negated: bool = False


class Query(msgspec.Struct, frozen=True):
    """A parsed query; the empty one finds every issue."""

    terms: tuple[Term, ...] = ()
    sort: Sort = Sort.LAST_SEEN


# How people coming from other tools spell a key.
_ALIASES = {
    "status": "is",
    "assignee": "assigned",
    "env": "environment",
    "first_release": "firstRelease",
    "firstrelease": "firstRelease",
    "last_seen": "lastSeen",
    "lastseen": "lastSeen",
    "first_seen": "firstSeen",
    "firstseen": "firstSeen",
    "timesSeen": "times_seen",
    "timesseen": "times_seen",
    "count": "times_seen",
    "user_count": "users",
    "id": "issue",
}
_SORT_ALIASES = {
    "last_seen": Sort.LAST_SEEN,
    "date": Sort.LAST_SEEN,
    "first_seen": Sort.FIRST_SEEN,
    "new": Sort.FIRST_SEEN,
    "count": Sort.TIMES_SEEN,
    "freq": Sort.TIMES_SEEN,
    "user": Sort.USERS,
    "priority": Sort.SEVERITY,
} | {sort.value: sort for sort in Sort}
KNOWN = (*(key.value for key in Key if key is not Key.WORD), "sort")

_TOKEN = re.compile(r'(!?)(?:([A-Za-z_.]+|tags\[[^\]\s]{1,200}\]):)?("[^"]*"|\S+)')
_COMPARED = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_AGO = re.compile(r"([+-])([0-9]{1,6})(m|h|d|w)")


def parse(text: str) -> Query:
    """Read a query. Raises QueryError, which names what is not understood and what would be."""
    if len(text) > MOST_CHARS:
        raise QueryError(f"the query is longer than {MOST_CHARS} characters")
    if text.count('"') % 2:
        raise QueryError('a " is opened and not closed')
    terms: list[Term] = []
    sort = Sort.LAST_SEEN
    for negation, name, quoted in _TOKEN.findall(text):
        value = quoted[1:-1] if quoted[0] == '"' and len(quoted) > 1 else quoted
        if name == "sort":
            sort = parse_sort(value)
        else:
            term = _term(name, value)
            terms.append(msgspec.structs.replace(term, negated=bool(negation)))
    if len(terms) > MOST_TERMS:
        raise QueryError(f"the query has more than {MOST_TERMS} terms")
    return Query(tuple(terms), sort)


def parse_sort(text: str) -> Sort:
    """Return the order of this name. Raises QueryError."""
    if text not in _SORT_ALIASES:
        raise QueryError(f"sort:{text} is unknown; there is {', '.join(Sort)}")
    return _SORT_ALIASES[text]


def _term(name: str, value: str) -> Term:
    if not name:
        return Term(Key.WORD, value.casefold())
    if name.startswith("tags["):
        return Term(Key.TAG, f"{name[5:-1]}={value}")
    name = _ALIASES.get(name, name)
    try:
        key = Key(name)
    except ValueError:
        raise QueryError(
            f"{name}: is no key; there is {', '.join(KNOWN)}. A tag is asked for as"
            f" tags[{name}]:{value}"
        ) from None
    return _READERS.get(key, _text)(key, value)


def _text(key: Key, value: str) -> Term:
    if not value:
        raise QueryError(f"{key}: needs a value")
    return Term(key, value)


def _is(key: Key, value: str) -> Term:
    if value not in {each.value for each in Is}:
        raise QueryError(f"is:{value} is unknown; there is {', '.join(Is)}")
    return Term(key, value)


def _count(key: Key, value: str) -> Term:
    compare, number = _compared(value)
    if not (number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS):
        raise QueryError(f"{key}:{value} is no count; write {key}:100 or {key}:>100")
    return Term(key, compare=compare, number=int(number))


def _severity(key: Key, value: str) -> Term:
    compare, name = _compared(value)
    try:
        rank = Severity(name).rank
    except ValueError:
        raise QueryError(f"severity:{value} is unknown; there is {', '.join(Severity)}") from None
    return Term(key, name, compare, rank)


def _time(key: Key, value: str) -> Term:
    """Read `-24h` (within the last 24 hours), `+24h` (longer ago), `>2026-11-01`, `2026-11-01`."""
    if found := _AGO.fullmatch(value):
        sign, number, unit = found.groups()
        compare = ">=" if sign == "-" else "<"
        return Term(key, value, compare, ago_ms=int(number) * clock.UNIT_MS[unit])
    compare, moment = _compared(value)
    try:
        at_ms = clock.parse_ms(moment if "T" in moment else f"{moment}T00:00:00Z")
    except (ValueError, OverflowError):
        raise QueryError(
            f"{key}:{value} is no time; write {key}:-24h (within), {key}:+7d (longer ago) or"
            f" {key}:>2026-11-01"
        ) from None
    return Term(key, value, compare, at_ms)


def _compared(value: str) -> tuple[str, str]:
    found = _COMPARED.fullmatch(value)
    compare, rest = found.groups() if found else (None, value)
    return compare or "=", rest


_READERS: dict[Key, Callable[[Key, str], Term]] = {
    Key.IS: _is,
    Key.SEVERITY: _severity,
    Key.TIMES_SEEN: _count,
    Key.USERS: _count,
    Key.LAST_SEEN: _time,
    Key.FIRST_SEEN: _time,
}
