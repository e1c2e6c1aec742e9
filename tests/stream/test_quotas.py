"""Quotas at the door: events accepted in a minute, an hour and a day."""

import time
import uuid

import pytest

from equerry import keys
from equerry.redis_client import Redis
from equerry.settings import Project, Queue
from equerry.stream.door import UNLIMITED, Door, Quotas, Rates, quotas
from equerry.stream.entry import Entry

SCOPE = "p1"
OPEN = Rates(0.0, 0.0, 0.0)
WINDOW_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def entries(number: int) -> list[Entry]:
    """Return events, each with an id of its own."""
    return [Entry(b"", "errors", uuid.uuid4().hex, 1_000, b"{}") for _ in range(number)]


def door(redis: Redis, **given: int) -> Door:
    """Return a door whose one project has these quotas."""
    return Door(redis, Queue(), {SCOPE: Quotas(**given)})


@pytest.fixture(autouse=True)
def _within_a_minute() -> None:
    """Keep off the turn of a minute, at which every count begins anew."""
    left = 60 - time.time() % 60
    if left < 3:
        time.sleep(left + 0.05)


@pytest.mark.parametrize("window", Quotas._fields)
def test_a_quota_is_taken_up_to_its_last_event(redis: Redis, window: str) -> None:
    """As many as it says are accepted; the next is refused until the window turns, and counted."""
    at_door = door(redis, **{window: 5})
    assert at_door.append(SCOPE, entries(4), OPEN, "").ok
    assert at_door.append(SCOPE, entries(1), OPEN, "").ok
    refused = at_door.append(SCOPE, entries(3), OPEN, "")
    assert (refused.reason, refused.appended) == (f"quota-{window}", 0)
    length = WINDOW_SECONDS[window]
    turns = length - time.time() % length
    assert turns - 1 <= refused.retry_after_seconds <= turns + 2
    assert redis.xlen(keys.events(SCOPE)) == 5
    assert redis.hget(keys.refusals(SCOPE), f"quota-{window}") == b"3"
    start = int(redis.hget(keys.quotas_used_up(SCOPE), f"quota-{window}"))
    assert start == (int(time.time()) // length) * length * 1000


def test_a_request_passes_whole_or_not(redis: Redis) -> None:
    """What does not fit is refused; a smaller one still fits."""
    at_door = door(redis, hour=5)
    assert at_door.append(SCOPE, entries(3), OPEN, "").ok
    assert not at_door.append(SCOPE, entries(3), OPEN, "").ok
    assert at_door.append(SCOPE, entries(2), OPEN, "").ok


def test_a_count_ends_with_its_window(redis: Redis) -> None:
    """The keys expire at the window's end, and with them the refusals."""
    at_door = door(redis, minute=1, day=3)
    assert at_door.append(SCOPE, entries(1), OPEN, "").ok
    for window, length in (("minute", 60), ("day", 86_400)):
        expires_ms = redis.execute_command("PEXPIRETIME", keys.quota(SCOPE, window))
        assert expires_ms % (length * 1000) == 0
        assert 0 < expires_ms / 1000 - time.time() <= length
    assert at_door.append(SCOPE, entries(1), OPEN, "").reason == "quota-minute"
    redis.delete(keys.quota(SCOPE, "minute"))  # as its expiry does
    assert at_door.append(SCOPE, entries(1), OPEN, "").ok


def test_without_a_quota_nothing_is_counted(redis: Redis) -> None:
    """The hot path has no key more than it needs."""
    assert door(redis, hour=10).append(SCOPE, entries(1), OPEN, "").ok
    assert redis.keys("*quota*") == [keys.quota(SCOPE, "hour").encode()]
    assert door(redis).append("p2", entries(1), OPEN, "").ok
    assert not redis.keys("{p2}:quota*")


def test_a_repeat_costs_no_quota(redis: Redis) -> None:
    """Only what is appended is counted: an SDK that sends again loses nothing."""
    at_door = door(redis, hour=3)
    sent = entries(1)
    for _ in range(5):
        assert at_door.append(SCOPE, sent, OPEN, "").ok
    assert redis.get(keys.quota(SCOPE, "hour")) == b"1"


def test_what_the_spool_kept_is_past_the_quota(redis: Redis) -> None:
    """It was answered with 202 already: a replay is neither refused nor held up."""
    at_door = door(redis, day=1)
    assert at_door.append(SCOPE, entries(1), OPEN, "").ok
    assert at_door.append(SCOPE, entries(5), UNLIMITED, "").ok


def test_quotas_are_each_projects_own() -> None:
    """The settings' projects give them, by scope."""
    made = quotas(
        [
            Project(id=1, slug="web", key="k" * 16, quota_per_minute=10, quota_per_day=1_000),
            Project(id=2, slug="shop", key="l" * 16),
        ]
    )
    assert made == {"p1": Quotas(10, 0, 1_000), "p2": Quotas()}
