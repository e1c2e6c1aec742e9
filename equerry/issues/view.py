"""What people and programs see of issues: a page of a list, and one issue with all there is."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from equerry import clock, keys
from equerry.clock import HOUR_MS
from equerry.errors import QueryError, UnknownIssue
from equerry.events.severity import Severity
from equerry.issues import journal, match, record
from equerry.issues.query import Query, Sort
from equerry.issues.record import Record
from equerry.issues.state import Status, short_id
from equerry.redis_client import Redis

MOST_ON_A_PAGE = 100
# A list looks at no more issues of a project, the last seen first; a second of work.
MOST_SCANNED = 20_000
MOST_DIGITS = 15
DAY_HOURS = 24
WHERE_ALL_ARE = '`equerry issues list -q ""` lists all'


class Issue(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An issue as it is listed. Times are RFC 3339 in UTC.

    count_hour: events of the running hour. count_day: of the last 24 hours, the running one among
    them. ignored_until: what ends the ignoring, where something does: time, count or users.
    """

    id: str
    project: str
    title: str
    culprit: str
    status: Status
    severity: Severity
    first_seen: str
    last_seen: str
    count: int
    count_hour: int
    count_day: int
    users: int
    platform: str = ""
    pinned: bool = False
    assignee: str = ""
    regressions: int = 0
    first_release: str = ""
    last_release: str = ""
    resolved_in: str = ""
    resolved_in_next_release: bool = False
    ignored_until: dict[str, str | int] = {}


class Page(msgspec.Struct, frozen=True):
    """Some issues. next: the cursor of the page after this one, or "".

    complete: False where more issues than MOST_SCANNED were there to look at.
    """

    issues: tuple[Issue, ...]
    next: str = ""
    complete: bool = True


class Details(msgspec.Struct, frozen=True):
    """One issue. hours: hour → events, of the last 24. days: day → events, as far as known.

    tags: key → value → events, the most frequent first; `(other)` is what was too much to keep.
    merged: the ids of the issues that are a part of this one. activity: the newest first.
    """

    issue: Issue
    hours: dict[str, int]
    days: dict[str, int]
    tags: dict[str, dict[str, int]]
    merged: tuple[str, ...]
    activity: tuple[journal.Line, ...]


def parse_id(text: str, projects: Mapping[str, str]) -> tuple[str, int]:
    """Return scope and number of `WEB-42`. projects: scope → slug. Raises UnknownIssue."""
    slug, _, number = text.strip().rpartition("-")
    if not slug or not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
        raise UnknownIssue(f"{text!r} is no issue's id; ids look like WEB-42")
    for scope, name in projects.items():
        if name.upper() == slug.upper():
            return scope, int(number)
    known = ", ".join(name.upper() for name in projects.values())
    raise UnknownIssue(f"{text}: no project is called {slug!r}; there is {known}")


def page(
    redis: Redis,
    projects: Mapping[str, str],
    query: Query,
    now_ms: int,
    *,
    limit: int = 25,
    cursor: str = "",
) -> Page:
    """Return a page of the issues that match. projects: scope → slug, of those to look in.

    Raises QueryError for a cursor that no page gave.
    """
    limit = max(1, min(limit, MOST_ON_A_PAGE))
    after = _decoded(cursor)
    streams = [_keyed(redis, scope, slug, query, now_ms, after) for scope, slug in projects.items()]
    if query.sort is Sort.LAST_SEEN:
        ordered: Iterable[_Keyed] = heapq.merge(*map(_settled, streams), key=_order)
    else:
        ordered = iter(sorted(itertools.chain(*streams), key=_order))
    rest = (each for each in ordered if after is None or _order(each) > after)
    found = list(itertools.islice(rest, limit + 1))
    shown = found[:limit]
    return Page(
        tuple(_issues(redis, projects, shown, now_ms)),
        _encoded(shown[-1]) if len(found) > limit else "",
        all(redis.zcard(keys.issues(scope)) <= MOST_SCANNED for scope in projects),
    )


def show(redis: Redis, scope: str, project: str, number: int, now_ms: int) -> Details:
    """Return one issue; of a part of another, that other. Raises UnknownIssue."""
    place = record.find(redis, scope, number)
    found = record.read(redis, scope, [place]) if place else []
    if not place or not found:
        raise UnknownIssue(f"there is no issue {short_id(project, number)}; {WHERE_ALL_ARE}")
    pipe = redis.pipeline(transaction=False)
    for part in place.parts:
        pipe.hgetall(keys.issue_part(scope, part, "counts"))
    for part in place.parts:
        pipe.hgetall(keys.issue_part(scope, part, "tags"))
    replies = pipe.execute()
    counts, tags = replies[: len(place.parts)], replies[len(place.parts) :]
    added = _added(counts)
    recent = set(_last_hours(now_ms))
    days: dict[str, int] = {}
    for name, counted in sorted(added.items()):  # older hours were added up by the day
        day = name[: len("2026-11-23")]
        days[day] = days.get(day, 0) + counted
    activity = [line for part in place.parts for line in journal.activity(redis, scope, part)]
    return Details(
        issue=_issue(found[0], project, added, now_ms),
        hours={name: added[name] for name in sorted(added) if name in recent},
        days=days,
        tags=_distribution(_added(tags)),
        merged=tuple(short_id(project, part) for part in place.parts[1:]),
        activity=tuple(sorted(activity, key=lambda line: line.timestamp, reverse=True)),
    )


_Keyed = tuple[int, str, Record]
_After = tuple[int, str, int]


def _order(keyed: _Keyed) -> _After:
    value, scope, found = keyed
    return -value, scope, found.place.number


def _settled(last_seen_first: Iterable[_Keyed]) -> Iterator[_Keyed]:
    """Yield those of one moment by their number: Redis has them by its digits."""
    for _, of_moment in itertools.groupby(last_seen_first, key=lambda keyed: keyed[0]):
        yield from sorted(of_moment, key=_order)


def _keyed(
    redis: Redis, scope: str, slug: str, query: Query, now_ms: int, after: _After | None
) -> Iterator[_Keyed]:
    """Yield a project's issues that match, with what they are sorted by; the last seen first."""
    until_ms = -after[0] if after and query.sort is Sort.LAST_SEEN else None
    wanted = match.tags(query)
    for places in record.newest(redis, scope, until_ms, MOST_SCANNED):
        likely = [each for each in places if match.may_match(query, each, slug, now_ms)]
        for found in record.read(redis, scope, likely, wanted):
            if match.matches(query, found, now_ms):
                yield match.rank(query.sort, found), scope, found


def _encoded(keyed: _Keyed) -> str:
    value, scope, found = keyed
    return f"{value}:{scope}:{found.place.number}"


def _decoded(cursor: str) -> _After | None:
    if not cursor:
        return None
    try:
        value, scope, number = cursor.split(":")
        return -int(value), scope, int(number)
    except ValueError:
        raise QueryError(f"{cursor!r} is no cursor; take the one that the last page gave") from None


def _issues(
    redis: Redis, projects: Mapping[str, str], shown: Iterable[_Keyed], now_ms: int
) -> Iterator[Issue]:
    rows = list(shown)
    hours = _last_hours(now_ms)
    pipe = redis.pipeline(transaction=False)
    for _, scope, found in rows:
        for part in found.place.parts:
            pipe.hmget(keys.issue_part(scope, part, "counts"), hours)
    replies = iter(pipe.execute())
    for _, scope, found in rows:
        counts = [
            {hour.encode(): number for hour, number in zip(hours, next(replies), strict=True)}
            for _ in found.place.parts
        ]
        yield _issue(found, projects[scope], _added(counts), now_ms)


def _last_hours(now_ms: int) -> list[str]:
    return [clock.hour(now_ms - ago * HOUR_MS) for ago in range(DAY_HOURS)]


def _added(hashes: Iterable[Mapping[bytes, bytes | None]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for fields in hashes:
        for field, number in fields.items():
            if number is not None:
                name = field.decode("utf-8", "replace")
                total[name] = total.get(name, 0) + int(number)
    return total


def _issue(found: Record, project: str, counts: Mapping[str, int], now_ms: int) -> Issue:
    state = found.state
    hours = _last_hours(now_ms)
    until = {
        "time": clock.rfc3339(state.until_ms) if state.until_ms else 0,
        "count": state.until_count,
        "users": state.until_users,
    }
    return Issue(
        id=short_id(project, found.place.number),
        project=project,
        title=found.title,
        culprit=found.culprit,
        status=state.status,
        severity=state.rated,
        first_seen=clock.rfc3339(found.first_ms),
        last_seen=clock.rfc3339(found.place.last_ms),
        count=found.count,
        count_hour=counts.get(hours[0], 0),
        count_day=sum(counts.get(hour, 0) for hour in hours),
        users=found.users,
        platform=found.platform,
        pinned=state.pinned is not None,
        assignee=state.assignee,
        regressions=state.regressions,
        first_release=found.first_release,
        last_release=found.last_release,
        resolved_in=state.release,
        resolved_in_next_release=state.next_release,
        ignored_until={name: value for name, value in until.items() if value},
    )


def _distribution(tags: Mapping[str, int]) -> dict[str, dict[str, int]]:
    distribution: dict[str, dict[str, int]] = {}
    for tag, number in sorted(tags.items(), key=lambda item: -item[1]):
        key, _, value = tag.partition("=")
        distribution.setdefault(key, {})[value] = number
    return distribution
