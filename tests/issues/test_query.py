import pytest

from equerry import clock
from equerry.errors import QueryError
from equerry.events.severity import Severity
from equerry.issues import match, query
from equerry.issues.query import Query, Sort
from equerry.issues.record import Place, Record
from equerry.issues.state import State, Status

NOW_MS = clock.parse_ms("2026-11-23T15:00:00Z")
HOUR_MS = 3_600_000
STATE = State(severity=Severity.HIGH, assignee="Ada", regressions=1)
RECORD = Record(
    place=Place(42, (42, 7), NOW_MS - 2 * HOUR_MS, STATE),
    title="TypeError: Cannot pay",
    culprit="checkout/pay",
    platform="javascript",
    count=120,
    users=6,
    first_ms=NOW_MS - 50 * HOUR_MS,
    first_release="1.1",
    last_release="1.3",
    tags={"release=1.2": 3, "environment=production": 9, "browser=Firefox 140": 1},
)


def found(text: str, record: Record = RECORD) -> bool:
    """Whether the query finds the record, in both steps of a list."""
    wanted = query.parse(text)
    likely = match.may_match(wanted, record.place, "web", NOW_MS)
    return likely and match.matches(wanted, record, NOW_MS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("is:unresolved", True),
        ("is:resolved", False),
        ("!is:resolved is:regressed is:assigned", True),
        ("is:unassigned", False),
        ("assigned:ada", True),
        ("assignee:bob", False),
        ("assigned:nobody", False),
        ("release:1.2", True),
        ("release:1.3", False),
        ("!release:1.3", True),
        ("firstRelease:1.1", True),
        ("environment:production env:production", True),
        ("environment:staging", False),
        ("severity:high", True),
        ("severity:>=medium", True),
        ("severity:>high", False),
        ("severity:<critical", True),
        ('tags[browser]:"Firefox 140"', True),
        ("tags[browser]:Chrome", False),
        ("lastSeen:-24h", True),
        ("lastSeen:-1h", False),
        ("lastSeen:+1h", True),
        ("firstSeen:>2026-11-01", True),
        ("firstSeen:<2026-11-01", False),
        ("firstSeen:2026-11-21", True),
        ("firstSeen:2026-11-22", False),
        ("firstSeen:>2026-11-21T12:00:00Z", True),
        ("times_seen:>100", True),
        ("times_seen:120", True),
        ("times_seen:<=119", False),
        ("users:>5", True),
        ("users:>6", False),
        ("platform:javascript", True),
        ("title:typeerror", True),
        ("culprit:PAY", True),
        ("issue:web-42", True),
        ("issue:WEB-7", True),
        ("issue:WEB-8", False),
        ("cannot pay", True),
        ('"cannot pay"', True),
        ("checkout", True),
        ("!checkout", False),
        ("TypeError: cannot", True),
        ("nowhere", False),
    ],
)
def test_found(text: str, expected: bool) -> None:
    """What each term means, and that all of them must hold."""
    assert found(text) is expected


def test_pinned_counts() -> None:
    """What a person pinned is the severity that is asked for."""
    place = Place(42, (42,), NOW_MS, State(severity=Severity.HIGH, pinned=Severity.LOW))
    assert match.may_match(query.parse("severity:low"), place, "web", NOW_MS)
    assert not match.may_match(query.parse("severity:high"), place, "web", NOW_MS)


def test_an_ignored_one_that_regressed_before_is_not_regressed() -> None:
    """Regressed is what is open again, not what once was."""
    place = Place(
        1, (1,), NOW_MS, State(severity=Severity.LOW, status=Status.IGNORED, regressions=2)
    )
    assert not match.may_match(query.parse("is:regressed"), place, "web", NOW_MS)


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("is:unresolved", Sort.LAST_SEEN),
        ("sort:users", Sort.USERS),
        ("sort:freq", Sort.TIMES_SEEN),
        ("sort:priority x", Sort.SEVERITY),
    ],
)
def test_sort(text: str, sort: Sort) -> None:
    """Its own names, and those of people who come from elsewhere."""
    assert query.parse(text).sort is sort


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("browser:Firefox", "browser: is no key; there is is, assigned, release"),
        ("browser:Firefox", "tags[browser]:Firefox"),
        ("is:open", "is:open is unknown; there is unresolved, resolved"),
        ("severity:bad", "there is critical, high, medium, low"),
        ("times_seen:many", "write times_seen:100 or times_seen:>100"),
        ("users:-5", "is no count"),
        ("lastSeen:yesterday", "write lastSeen:-24h"),
        ("firstSeen:>99999-01-01", "is no time"),
        ("sort:nothing", "there is lastSeen, firstSeen"),
        ('release:"1.2', "opened and not closed"),
        ("x" * 1_001, "longer than 1000"),
        (" ".join(["x"] * 31), "more than 30 terms"),
    ],
)
def test_refused(text: str, problem: str) -> None:
    """What is not understood is named, with what would be."""
    with pytest.raises(QueryError, match=r".") as caught:
        query.parse(text)
    assert problem in str(caught.value)


def test_empty_is_everything() -> None:
    """Spaces are no term."""
    assert query.parse("   ") == Query()
