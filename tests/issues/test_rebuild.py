"""A rebuild gives the same ids, counts, states and merges, whatever Redis lost."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from issue_events import NOW_MS, SCOPE, error, happen

from equerry import clock, keys
from equerry.archive.segment import Writer
from equerry.events.event import ISSUES, Event
from equerry.events.severity import Severity
from equerry.issues import actions, lookup, record, reindex, replay, samples, view
from equerry.issues.actions import Until
from equerry.issues.journal import Deed, Line
from equerry.issues.state import State, Status
from equerry.redis_client import Redis
from equerry.settings import Settings
from workers.pipeline import commit

BY = {"by": "ada", "now_ms": NOW_MS}
HOUR_MS = 3_600_000


@pytest.fixture
def root(settings: Settings) -> Path:
    """Return the archive's folder."""
    return settings.data_path / "archive"


def archive_journal(redis: Redis, root: Path) -> None:
    """Let the journal's lines that wait in the stream reach the archive, as a drain does."""
    rows = redis.xrange(keys.events(SCOPE))
    events = [
        Event(
            stream_id=stream_id.decode(),
            id=fields[b"i"].hex(),
            kind=fields[b"k"].decode(),
            project=1,
            received_ms=int(fields[b"r"]),
            raw=fields[b"d"],
        )
        for stream_id, fields in rows
    ]
    writer = Writer(root, "node-1")
    commit.archive(writer, events, (), clock.now_ms())
    writer.close()
    if rows:
        redis.xdel(keys.events(SCOPE), *(stream_id for stream_id, _ in rows))


def rebuild(redis: Redis, settings: Settings) -> None:
    """Rebuild the index."""
    reindex.reindex(redis, settings, NOW_MS, lambda *_: None)


def known(redis: Redis) -> dict[str, Any]:
    """Return what the index knows, without when issues were told last.

    The state of a part sleeps: as long as it is one, that of the whole holds.
    """
    numbers = sorted(map(int, redis.zrange(keys.issues(SCOPE), 0, -1)))
    wholes = set(numbers) - set(record.merged(redis, SCOPE))
    states = lookup.read_states(redis, SCOPE, wholes)
    places = [place for place in (record.find(redis, SCOPE, each) for each in numbers) if place]
    shown = [view.show(redis, SCOPE, "web", place.number, NOW_MS) for place in places]
    return {
        "numbers": redis.hgetall(keys.fingerprints(SCOPE)),
        "highest": redis.get(keys.next_issue(SCOPE)),
        "states": {n: msgspec.structs.replace(each, told_ms=0) for n, each in states.items()},
        "merged": redis.hgetall(keys.merged(SCOPE)),
        "shown": [msgspec.to_builtins(each) for each in shown],
        "releases": redis.zrange(keys.releases(SCOPE), 0, -1, withscores=True),
    }


def live(redis: Redis, root: Path) -> None:
    """Let a project have a history: five issues, and something of all that people do."""
    day_ago = NOW_MS - 24 * HOUR_MS
    first = [error(name, at_ms=day_ago, release="1.1", user=name) for name in "abcde"]
    happen(redis, *first, archive=root)
    actions.resolve(redis, SCOPE, 1, by="ada", now_ms=day_ago + 1)
    actions.ignore(redis, SCOPE, 2, Until(count=100), **BY)
    actions.merge(redis, SCOPE, 3, [4, 5], **BY)
    actions.unmerge(redis, SCOPE, 5, **BY)
    actions.assign(redis, SCOPE, 3, "bob", **BY)
    actions.pin(redis, SCOPE, 5, Severity.LOW, **BY)
    actions.note(redis, SCOPE, 3, "look here", **BY)
    more = [
        error("a", release="1.2", user="x", tags={"browser": "Firefox"}),  # a regression
        error("b"),
        error("d", severity=Severity.CRITICAL),
        error("new", at_ms=NOW_MS + 1),
    ]
    happen(redis, *more, archive=root)


@pytest.mark.parametrize("lost", ["nothing", "the index", "everything"])
def test_the_same(redis: Redis, settings: Settings, root: Path, lost: str) -> None:
    """Ids, counts, users, tags, states, merges and activity."""
    live(redis, root)
    archive_journal(redis, root)
    before = known(redis)
    assert before["states"][1].regressions == 1
    assert before["merged"] == {b"4": b"3"}
    if lost == "everything":
        redis.flushall()
    elif lost == "the index":
        redis.delete(*redis.scan_iter("{p1}:issue*"), keys.states(SCOPE), keys.merged(SCOPE))
    rebuild(redis, settings)
    assert known(redis) == before
    assert [each.event_id for each in samples.kept(redis, SCOPE, [1])]
    rebuild(redis, settings)
    assert known(redis) == before


def test_lines_that_still_wait_in_the_stream(redis: Redis, settings: Settings, root: Path) -> None:
    """What was done a moment ago is not undone, though no drain has archived it yet."""
    live(redis, root)
    before = known(redis)
    rebuild(redis, settings)
    assert known(redis) == before


def test_an_action_during_the_rebuild(redis: Redis, settings: Settings, root: Path) -> None:
    """Done while the archive is counted: it stands in the new index."""
    live(redis, root)
    archive_journal(redis, root)

    def resolve(*_: object) -> None:
        if lookup.read_states(redis, SCOPE, [5])[5].status is not Status.RESOLVED:
            actions.resolve(redis, SCOPE, 5, **BY)

    reindex.reindex(redis, settings, NOW_MS, resolve)
    assert lookup.read_states(redis, SCOPE, [5])[5].status is Status.RESOLVED


def test_without_a_journal(redis: Redis, settings: Settings, root: Path) -> None:
    """An archive of before the journal: numbers by first appearance, written down from then on."""
    happen(redis, error("b"), error("a"), archive=root)
    happen(redis, error("a"), error("c"), archive=root)
    redis.flushall()
    rebuild(redis, settings)
    assert redis.hgetall(keys.fingerprints(SCOPE)) == {b"b": b"1", b"a": b"2", b"c": b"3"}
    archive_journal(redis, root)
    first = min(root.glob("errors/*/*"))
    first.unlink()  # retention removed where they first appeared
    happen(redis, error("c"), archive=root)
    redis.flushall()
    rebuild(redis, settings)
    assert redis.hgetall(keys.fingerprints(SCOPE)) == {b"c": b"3"}
    assert redis.get(keys.next_issue(SCOPE)) == b"3"


def test_lost_and_counted_anew(redis: Redis, settings: Settings, root: Path) -> None:
    """Redis was lost and nobody rebuilt it: numbers were given twice, and are set right."""
    happen(redis, error("a"), error("b"), archive=root)
    actions.assign(redis, SCOPE, 2, "ada", **BY)
    archive_journal(redis, root)
    redis.flushall()
    happen(redis, error("c"), error("b"), archive=root)  # 1 and 2, as before a and b
    actions.assign(redis, SCOPE, 1, "bob", **BY)
    rebuild(redis, settings)
    assert redis.hgetall(keys.fingerprints(SCOPE)) == {b"a": b"1", b"b": b"2", b"c": b"3"}
    owners = {n: each.assignee for n, each in lookup.read_states(redis, SCOPE, [1, 2, 3]).items()}
    assert owners == {1: "", 2: "ada", 3: "bob"}


def test_set_right_once(redis: Redis, settings: Settings, root: Path) -> None:
    """What was set right stays so in later rebuilds; what people do then is of what they saw."""
    happen(redis, error("a"), archive=root)
    archive_journal(redis, root)
    redis.flushall()
    happen(redis, error("b"), archive=root)
    actions.assign(redis, SCOPE, 1, "bob", **BY)
    rebuild(redis, settings)
    actions.assign(redis, SCOPE, 1, "ada", **BY)
    actions.pin(redis, SCOPE, 2, Severity.CRITICAL, **BY)
    happen(redis, error("c"), archive=root)
    archive_journal(redis, root)
    before = known(redis)
    assert before["numbers"] == {b"a": b"1", b"b": b"2", b"c": b"3"}
    assert [before["states"][number].assignee for number in (1, 2)] == ["ada", "bob"]
    for _ in range(2):
        rebuild(redis, settings)
        assert known(redis) == before
        assert not redis.xlen(keys.events(SCOPE))


def test_an_older_fingerprint_links(
    redis: Redis, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade of the algorithm both fingerprints are the one issue again."""
    happen(redis, error("old"), archive=root)
    monkeypatch.setattr(lookup.fingerprints, "older", lambda _report: ("old",))
    happen(redis, error("new"), archive=root)
    archive_journal(redis, root)
    before = known(redis)
    redis.flushall()
    rebuild(redis, settings)
    assert known(redis) == before


def test_a_killed_rebuild_leaves_nothing_behind(
    redis: Redis, settings: Settings, root: Path
) -> None:
    """Its half of an index is thrown away by the next, not added to."""
    live(redis, root)
    archive_journal(redis, root)
    before = known(redis)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex.reindex(redis, settings, NOW_MS, killed)
    assert list(redis.scan_iter("*rebuilt*"))
    assert known(redis) == before
    rebuild(redis, settings)
    assert known(redis) == before
    assert not list(redis.scan_iter("*rebuilt*"))


def test_replay_of_nothing() -> None:
    """No lines, no numbers."""
    assert replay.replay([]) == replay.Replayed()


def test_a_trimmed_issue_that_comes_again_keeps_its_new_number() -> None:
    """Forgotten and seen anew it has another number; that is the one that people see now."""
    created = [
        Line(timestamp="t", what=Deed.CREATED, issue=number, fingerprint=name)
        for number, name in ((1, "a"), (2, "b"), (3, "a"))
    ]
    state = State(severity=Severity.LOW, assignee="ada")
    later = Line(timestamp="t", what=Deed.ASSIGNED, issue=3, by="bob", state=state)
    replayed = replay.replay([*created, later])
    assert replayed.numbers == {"a": 3, "b": 2}
    assert replayed.states == {3: state}


def test_the_kinds_that_count() -> None:
    """The journal itself is no event to count."""
    assert ISSUES not in reindex.recount.KINDS
