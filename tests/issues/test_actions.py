"""What people do to issues, and that nothing of it is lost beside a stream of events."""

import threading
from collections.abc import Callable

import pytest
from issue_events import NOW_MS, SCOPE, error, happen

from equerry import keys
from equerry.errors import ActionRefused, UnknownIssue
from equerry.events.severity import Severity
from equerry.issues import actions, journal, lookup, record, view
from equerry.issues.actions import Until
from equerry.issues.journal import Deed
from equerry.issues.state import State, Status
from equerry.redis_client import Redis, connect
from equerry.stream import findings

LATER_MS = NOW_MS + 1_000
BY = {"by": "ada", "now_ms": NOW_MS}


def state(redis: Redis, number: int = 1) -> State:
    """Return an issue's state."""
    return lookup.read_states(redis, SCOPE, [number])[number]


def rules(redis: Redis) -> list[str]:
    """Return the rules of all findings so far."""
    return [finding.rule for _, finding in findings.read(redis, SCOPE)]


def lines(redis: Redis) -> list[journal.Line]:
    """Return the journal as it goes to the archive."""
    rows = redis.xrange(keys.events(SCOPE))
    return [journal.decode(fields[b"d"]) for _, fields in rows if fields[b"k"] == b"issues"]


def test_resolved_and_regressed(redis: Redis) -> None:
    """Resolved by a person, seen again: unresolved, told, and both stand in the journal."""
    happen(redis, error())
    assert actions.resolve(redis, SCOPE, 1, **BY).state.status is Status.RESOLVED
    assert happen(redis, error(at_ms=NOW_MS - 5)) == 0  # it happened before
    assert happen(redis, error(at_ms=LATER_MS)) == 1
    assert state(redis).status is Status.UNRESOLVED
    assert state(redis).regressions == 1
    assert rules(redis) == ["new-issue", "regressed-issue"]
    assert [(line.what, line.by) for line in lines(redis)] == [
        (Deed.CREATED, "equerry"),
        (Deed.RESOLVED, "ada"),
        (Deed.REGRESSED, "equerry"),
    ]


def test_resolved_in_the_next_release(redis: Redis) -> None:
    """Events of the release that has the fault are no regression; those of the next are."""
    happen(redis, error(release="1.9"), error(release="1.10"))
    done = actions.resolve(redis, SCOPE, 1, in_next_release=True, **BY)
    assert (done.state.release, done.state.next_release) == ("1.10", True)
    assert happen(redis, error(at_ms=LATER_MS, release="1.10")) == 0
    assert happen(redis, error(at_ms=LATER_MS, release="1.11")) == 1


def test_ignored_until(redis: Redis) -> None:
    """Until so many more events or users; what is ignored is silent, however grave."""
    happen(redis, *(error(user=str(n)) for n in range(5)))
    actions.ignore(redis, SCOPE, 1, Until(count=3), **BY)
    assert state(redis).until_count == 8
    assert happen(redis, error(severity=Severity.CRITICAL), error()) == 0
    assert happen(redis, error()) == 1
    actions.ignore(redis, SCOPE, 1, Until(users=1), **BY)
    assert happen(redis, error(user="4")) == 0
    assert happen(redis, error(user="new")) == 1
    actions.ignore(redis, SCOPE, 1, Until(for_ms=1_000), **BY)
    assert happen(redis, error(at_ms=NOW_MS + 999)) == 0
    assert happen(redis, error(at_ms=NOW_MS + 1_000)) == 1
    assert rules(redis).count("unignored-issue") == 3


def test_assign_pin_note_reopen(redis: Redis) -> None:
    """Each is written with its words; what changes nothing leaves no line."""
    happen(redis, error())
    assert actions.assign(redis, SCOPE, 1, " bob ", **BY).state.assignee == "bob"
    assert not actions.assign(redis, SCOPE, 1, "bob", **BY).changed
    assert actions.pin(redis, SCOPE, 1, Severity.HIGH, **BY).state.rated == "high"
    assert actions.pin(redis, SCOPE, 1, None, **BY).state.rated == "medium"
    actions.note(redis, SCOPE, 1, "the cache, again", **BY)
    assert not actions.reopen(redis, SCOPE, 1, **BY).changed
    activity = view.show(redis, SCOPE, "web", 1, NOW_MS).activity
    assert [(line.what, line.note) for line in activity] == [
        (Deed.NOTED, "the cache, again"),
        (Deed.PINNED, ""),
        (Deed.PINNED, "high"),
        (Deed.ASSIGNED, "bob"),
    ]


def test_merge_and_unmerge(redis: Redis) -> None:
    """Parts count in the whole, past and future, and come out with what is their own."""
    happen(redis, error("a"), error("b", severity=Severity.HIGH), error("c"))
    actions.merge(redis, SCOPE, 2, [3], **BY)
    actions.merge(redis, SCOPE, 1, [2], **BY)  # with what was merged into it
    happen(redis, error("b"), error("c"))
    whole = view.show(redis, SCOPE, "web", 3, NOW_MS)
    assert (whole.issue.id, whole.issue.count, whole.merged) == ("WEB-1", 5, ("WEB-2", "WEB-3"))
    assert whole.issue.severity == "high"
    actions.resolve(redis, SCOPE, 3, **BY)
    assert happen(redis, error("c", at_ms=LATER_MS)) == 1  # one issue, one regression
    actions.unmerge(redis, SCOPE, 3, **BY)
    assert view.show(redis, SCOPE, "web", 3, NOW_MS).issue.count == 3
    assert view.show(redis, SCOPE, "web", 1, NOW_MS).issue.count == 3
    assert not actions.merge(redis, SCOPE, 1, [2, 1], **BY).changed


@pytest.mark.parametrize(
    ("act", "fault", "words"),
    [
        (lambda redis: actions.resolve(redis, SCOPE, 9, **BY), UnknownIssue, "number 9"),
        (lambda redis: actions.merge(redis, SCOPE, 1, [9], **BY), UnknownIssue, "number 9"),
        (lambda redis: actions.unmerge(redis, SCOPE, 1, **BY), ActionRefused, "not merged"),
        (lambda redis: actions.note(redis, SCOPE, 1, " ", **BY), ActionRefused, "1 to 2000"),
        (lambda redis: actions.assign(redis, SCOPE, 1, "x" * 101, **BY), ActionRefused, "100"),
        (
            lambda redis: actions.resolve(redis, SCOPE, 1, in_next_release=True, **BY),
            ActionRefused,
            "no event of this project named its release",
        ),
        (
            lambda redis: actions.resolve(redis, SCOPE, 1, release="x" * 201, **BY),
            ActionRefused,
            "at most 200 characters",
        ),
        (
            lambda redis: actions.ignore(redis, SCOPE, 1, Until(count=-1), **BY),
            ActionRefused,
            "above zero",
        ),
    ],
)
def test_refused(
    redis: Redis, act: Callable[[Redis], object], fault: type[Exception], words: str
) -> None:
    """What makes no sense is refused with the reason, and nothing is written."""
    happen(redis, error())
    before = redis.xlen(keys.events(SCOPE))
    with pytest.raises(fault, match=words):
        act(redis)
    assert redis.xlen(keys.events(SCOPE)) == before


def test_an_action_amid_a_commit_makes_it_look_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ignored between a batch's look and its write: the batch obeys, and nothing is lost."""
    happen(redis, error())
    real, times = lookup.read_states, []

    def slow(*arguments: object) -> dict[int, State]:
        found = real(*arguments)  # type: ignore[arg-type]
        times.append(1)
        if len(times) == 1:
            actions.ignore(redis, SCOPE, 1, Until(), **BY)
        return found

    monkeypatch.setattr(lookup, "read_states", slow)
    assert happen(redis, error(severity=Severity.CRITICAL)) == 0
    assert state(redis).status is Status.IGNORED
    assert state(redis).severity == "critical"
    assert view.show(redis, SCOPE, "web", 1, NOW_MS).issue.count == 2


def test_people_and_workers_at_once(redis: Redis, valkey_url: str) -> None:
    """Two workers count while two people act: each event is counted, each deed has its line."""
    happen(redis, error("a"), error("b"))

    def work(name: str) -> None:
        client = connect(valkey_url)
        for number in range(40):
            happen(client, error("a"), error(f"{name}{number}"))
        client.close()

    def act(who: str) -> None:
        client = connect(valkey_url)
        for number in range(40):
            actions.assign(client, SCOPE, 1, f"{who}{number}", by=who, now_ms=NOW_MS)
        client.close()

    threads = [
        threading.Thread(target=target, args=(name,))
        for target, name in ((work, "x"), (work, "y"), (act, "ada"), (act, "bob"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert view.show(redis, SCOPE, "web", 1, NOW_MS).issue.count == 81
    numbers = redis.hgetall(keys.fingerprints(SCOPE))
    assert sorted(map(int, numbers.values())) == list(range(1, 83))
    deeds = [line.by for line in lines(redis) if line.what is Deed.ASSIGNED]
    assert (deeds.count("ada"), deeds.count("bob")) == (40, 40)
    assert sum(line.what is Deed.CREATED for line in lines(redis)) == 82


def test_an_upgrade_of_grouping_links(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fingerprint that is new is looked up by what earlier versions gave: no issue comes anew."""
    happen(redis, error("old"))
    monkeypatch.setattr(lookup.fingerprints, "older", lambda _report: ("older", "old"))
    assert happen(redis, error("new")) == 0
    assert redis.hgetall(keys.fingerprints(SCOPE)) == {b"old": b"1", b"new": b"1"}
    place = record.find(redis, SCOPE, 1)
    assert place is not None
    assert record.read(redis, SCOPE, [place])[0].count == 2
    assert lines(redis)[-1].what is Deed.LINKED
