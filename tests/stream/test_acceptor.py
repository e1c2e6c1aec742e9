"""The door's last step: Redis, else the disk, else a refusal; never a false yes."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from equerry import keys
from equerry.errors import RedisAway, Refused
from equerry.redis_client import Redis
from equerry.settings import Queue
from equerry.stream import acceptor as acceptors
from equerry.stream.acceptor import Acceptor, Busy
from equerry.stream.door import UNLIMITED, Door, Rates, Verdict
from equerry.stream.entry import Entry
from equerry.stream.spool import Spool


class MovingDoor(Door):
    """A real door that can be away; away, it may still have appended (the reply was lost)."""

    def __init__(self, redis: Redis, queue: Queue) -> None:
        super().__init__(redis, queue)
        self.away = False
        self.appends_all_the_same = False
        self.asked = 0

    def append(self, scope: str, entries: Sequence[Entry], rates: Rates, bucket: str) -> Verdict:
        """Append, or fail as told."""
        self.asked += 1
        if self.away:
            if self.appends_all_the_same:
                super().append(scope, entries, rates, bucket)
            raise RedisAway("gone")
        return super().append(scope, entries, rates, bucket)


def entry() -> Entry:
    """Return an event with an id of its own."""
    return Entry(b"", "errors", uuid.uuid4().hex, 5, b'{"timestamp":"t"}')


@pytest.fixture
def door(redis: Redis) -> MovingDoor:
    """Return a door of the session's Valkey."""
    return MovingDoor(redis, Queue())


def test_away_is_the_disk_and_back_again(
    door: MovingDoor, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept while Redis is away, sent when it is back, each once."""
    monkeypatch.setattr(acceptors, "AWAY_SECONDS", 0.0)
    acceptor = Acceptor(door, Spool(tmp_path, 100_000))
    door.away = True
    kept = [entry() for _ in range(3)]
    for each in kept:
        acceptor.accept("p1", [each], UNLIMITED, "")
    with pytest.raises(RedisAway):
        acceptor.replay()
    door.away = False
    assert acceptor.replay() == 3
    rows = redis.xrange(keys.events("p1"))
    assert [fields[b"i"].hex() for _, fields in rows] == [each.id for each in kept]
    assert {fields[b"r"] for _, fields in rows} == {b"5"}  # when it came, not when it was sent


def test_a_lost_reply_doubles_nothing(door: MovingDoor, redis: Redis, tmp_path: Path) -> None:
    """Appended but unanswered, hence spooled: the replay finds the id known."""
    acceptor = Acceptor(door, Spool(tmp_path, 100_000))
    door.away = door.appends_all_the_same = True
    acceptor.accept("p1", [entry()], UNLIMITED, "")
    door.away = False
    assert acceptor.replay() == 1
    assert redis.xlen(keys.events("p1")) == 1


def test_a_dead_redis_is_not_asked_by_every_request(door: MovingDoor, tmp_path: Path) -> None:
    """One time-out a second at most; the rest goes to the disk at once."""
    acceptor = Acceptor(door, Spool(tmp_path, 100_000))
    door.away = True
    for _ in range(5):
        acceptor.accept("p1", [entry()], UNLIMITED, "")
    assert door.asked == 1


def test_a_full_spool_holds_senders_back_then_refuses(door: MovingDoor, tmp_path: Path) -> None:
    """429 at first, 503 when that has not helped; no 202 is dropped, and room is used again."""
    now = [100.0]
    spool = Spool(tmp_path, 1_000)
    acceptor = Acceptor(door, spool, now=lambda: now[0])
    door.away = True

    def accept() -> int:
        try:
            acceptor.accept("p1", [entry()], UNLIMITED, "")
        except Refused as refused:
            return refused.status
        return 202

    statuses = [accept() for _ in range(40)]
    assert statuses == [202] * statuses.count(202) + [429] * statuses.count(429)
    assert 900 < spool.bytes_used() <= 1_000
    now[0] += 61
    assert accept() == 503
    door.away = False
    assert acceptor.replay() == statuses.count(202)
    door.away = True
    assert accept() == 202


def test_a_replay_waits_for_room_in_the_stream(redis: Redis, tmp_path: Path) -> None:
    """A full stream takes no spooled event either; it stays on the disk."""
    door = MovingDoor(redis, Queue(max_events=1))
    spool = Spool(tmp_path, 100_000)
    acceptor = Acceptor(door, spool)
    door.away = True
    acceptor.accept("p1", [entry()], UNLIMITED, "")
    acceptor.accept("p1", [entry()], UNLIMITED, "")
    door.away = False
    with pytest.raises(Busy):
        acceptor.replay()
    assert spool.bytes_used() > 0


def test_over_the_rate_is_429_with_its_reason(door: MovingDoor, tmp_path: Path) -> None:
    """A refusal carries the wait and its name."""
    acceptor = Acceptor(door, Spool(tmp_path, 100_000))
    acceptor.accept("p1", [entry() for _ in range(20)], Rates(1, 0, 1), "a")
    with pytest.raises(Refused) as refused:
        acceptor.accept("p1", [entry()], Rates(1, 0, 1), "a")
    assert (refused.value.status, refused.value.reason) == (429, "rate-address")


def test_each_outage_is_logged_once_and_begins_with_429(
    door: MovingDoor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A line when Redis goes and one when it is back; the second outage is not 503 at once."""
    now = [100.0]
    acceptor = Acceptor(door, Spool(tmp_path, 10), now=lambda: now[0])
    caplog.set_level("INFO")
    for _ in range(2):
        door.away = True
        for _ in range(3):
            now[0] += acceptors.AWAY_SECONDS + 0.1
            with pytest.raises(Refused) as refused:
                acceptor.accept("p1", [entry()], UNLIMITED, "")
            assert refused.value.status == 429
        door.away = False
        now[0] += 100
        acceptor.accept("p1", [entry()], UNLIMITED, "")
    of_one = ["redis-away-spooling", "spool-full", "redis-is-back"]
    assert [record.getMessage() for record in caplog.records] == of_one * 2
