"""The door's script: rates, room, repeats, append, in one step."""

import uuid

import pytest

from equerry import keys
from equerry.errors import RedisAway
from equerry.redis_client import Redis, connect
from equerry.settings import Queue
from equerry.stream.door import UNLIMITED, Door, Rates
from equerry.stream.entry import Entry

SCOPE = "p1"


def entries(number: int, size: int = 20) -> list[Entry]:
    """Return events of so many bytes, each with an id of its own."""
    data = b'{"timestamp":"t"' + b" " * (size - 17) + b"}"
    return [Entry(b"", "errors", uuid.uuid4().hex, 1_000, data) for _ in range(number)]


def test_appends_every_field(redis: Redis) -> None:
    """What the door appends is what a consumer reads."""
    sent = entries(1)
    assert Door(redis, Queue()).append(SCOPE, sent, UNLIMITED, "1.2.3.4").appended == 1
    [(_, fields)] = redis.xrange(keys.events(SCOPE))
    assert fields == {
        b"k": b"errors",
        b"i": bytes.fromhex(sent[0].id),
        b"r": b"1000",
        b"d": sent[0].data,
    }
    assert int(redis.get(keys.events_bytes(SCOPE))) == len(sent[0].data)


def test_a_repeated_id_is_taken_and_not_appended(redis: Redis) -> None:
    """The same event sent again, or twice in one request, is there once."""
    door = Door(redis, Queue())
    sent = entries(2)
    assert door.append(SCOPE, [*sent, sent[0]], UNLIMITED, "").repeated == 1
    again = door.append(SCOPE, sent, UNLIMITED, "")
    assert (again.ok, again.appended, again.repeated) == (True, 0, 2)
    assert redis.xlen(keys.events(SCOPE)) == 2
    assert redis.hget(keys.refusals(SCOPE), "repeated") == b"3"


def test_an_error_and_a_metric_may_bear_the_same_id(redis: Redis) -> None:
    """Ids are told apart by kind: neither swallows the other."""
    door = Door(redis, Queue())
    [error] = entries(1)
    assert door.append(SCOPE, [error, error._replace(kind="metrics")], UNLIMITED, "").appended == 2


def test_remembered_ids_are_bounded(redis: Redis) -> None:
    """A full generation turns, and the one before it is forgotten: memory has a bound."""
    door = Door(redis, Queue(ids_remembered=1_000))
    first = entries(1)
    door.append(SCOPE, first, UNLIMITED, "")
    for _ in range(30):
        door.append(SCOPE, entries(100), UNLIMITED, "")
    assert redis.scard(keys.ids(SCOPE, "new")) <= 1_100
    assert redis.scard(keys.ids(SCOPE, "old")) <= 1_100
    assert door.append(SCOPE, first, UNLIMITED, "").appended == 1


def test_ids_outlive_one_turn_of_an_hour(redis: Redis) -> None:
    """However long an outage was, the first turn after it forgets nothing of the last hour."""
    door = Door(redis, Queue())
    sent = entries(1)
    door.append(SCOPE, sent, UNLIMITED, "")
    redis.set(keys.ids_since(SCOPE), 1)  # a very long time ago
    assert door.append(SCOPE, sent, UNLIMITED, "").repeated == 1
    assert redis.scard(keys.ids(SCOPE, "old")) == 1


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        (Rates(10, 0, 5), "rate-address"),
        (Rates(0, 10, 5), "rate-key"),
    ],
)
def test_a_bucket_takes_its_burst_and_no_more(redis: Redis, rates: Rates, reason: str) -> None:
    """Ten a second over five seconds is a burst of fifty; then it is refused with a wait."""
    door = Door(redis, Queue())
    verdicts = [door.append(SCOPE, entries(1), rates, "1.2.3.4") for _ in range(60)]
    taken = sum(verdict.ok for verdict in verdicts)
    assert 50 <= taken <= 53  # the clock runs while the test does
    refused = verdicts[-1]
    assert (refused.reason, refused.retry_after_seconds) == (reason, 1)
    assert int(redis.hget(keys.refusals(SCOPE), reason)) == 60 - taken


def test_a_batch_above_the_burst_is_taken_and_paid_off(redis: Redis) -> None:
    """A hundred at ten a second pass once, then the bucket is in debt for the rest."""
    door = Door(redis, Queue())
    rates = Rates(10, 0, 5)
    assert door.append(SCOPE, entries(100), rates, "a").ok
    refused = door.append(SCOPE, entries(1), rates, "a")
    assert refused.reason == "rate-address"
    assert 4 <= refused.retry_after_seconds <= 6


def test_addresses_have_their_own_buckets(redis: Redis) -> None:
    """One loud address does not silence another."""
    door = Door(redis, Queue())
    rates = Rates(1, 0, 1)
    door.append(SCOPE, entries(50), rates, "loud")
    assert not door.append(SCOPE, entries(1), rates, "loud").ok
    assert door.append(SCOPE, entries(1), rates, "quiet").ok


def test_a_refused_request_charges_no_bucket(redis: Redis) -> None:
    """What one bucket refuses is not paid from the other."""
    door = Door(redis, Queue())
    door.append(SCOPE, entries(50), Rates(1, 0, 1), "a")
    door.append(SCOPE, entries(1), Rates(1, 1, 1), "a")
    assert not redis.exists(keys.rate(SCOPE, "key"))


@pytest.mark.parametrize(
    "queue", [Queue(max_events=5), Queue(max_bytes=100)], ids=["events", "bytes"]
)
def test_a_full_queue_refuses_and_keeps_what_it_has(redis: Redis, queue: Queue) -> None:
    """Accepted events are never trimmed; new ones are turned away, all of a request or none."""
    door = Door(redis, queue)
    assert door.append(SCOPE, entries(5), UNLIMITED, "").ok
    refused = door.append(SCOPE, entries(2), UNLIMITED, "")
    assert (refused.reason, refused.appended) == ("queue-full", 0)
    assert refused.retry_after_seconds > 0
    assert redis.xlen(keys.events(SCOPE)) == 5


def test_a_server_that_forgot_the_script_is_given_it_again(redis: Redis) -> None:
    """A restarted Redis knows no scripts; the door does not mind."""
    door = Door(redis, Queue())
    door.append(SCOPE, entries(1), UNLIMITED, "")
    redis.script_flush()
    assert door.append(SCOPE, entries(1), UNLIMITED, "").ok


def test_no_redis_is_said_as_such() -> None:
    """Where nobody listens the door says that Redis is away."""
    redis = connect("unix:///nonexistent/valkey.sock", timeout_seconds=0.2)
    with pytest.raises(RedisAway):
        Door(redis, Queue()).append(SCOPE, entries(1), UNLIMITED, "")


def test_a_connection_that_the_server_closed_is_made_anew(redis: Redis) -> None:
    """A restarted Redis closes what was held: the next command goes out on a new connection."""
    door = Door(redis, Queue())
    door.append(SCOPE, entries(1), UNLIMITED, "")
    redis.client_kill_filter(_type="normal", skipme=True)
    assert door.append(SCOPE, entries(1), UNLIMITED, "").ok
