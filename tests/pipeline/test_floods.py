"""Floods: one error that comes without end drowns no other, and is told as a spike."""

import uuid
from collections.abc import Iterable

import msgspec
import pytest
from pipeline_bench import archived

from equerry import clock, keys
from equerry.events.report import ErrorReport
from equerry.issues import actions, activity, samples
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from workers.jobs import spikes
from workers.jobs.job import Context, Outcome
from workers.pipeline import drain
from workers.pipeline.batch import Bench

SCOPE, PROJECT, SLUG = "p1", 1, "web"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
# Four of each power of ten up to 20,000, and the last 20.
MOST_SAMPLES = 4 * 5 + 20


@pytest.fixture
def door(redis: Redis) -> Door:
    """Return a door."""
    return Door(redis, Queue())


def put(door: Door, names: Iterable[str], at_ms: int) -> None:
    """Append an error of each of these names, received at this time."""
    entries = [
        Entry(
            b"",
            "errors",
            uuid.uuid4().hex,
            at_ms,
            msgspec.json.encode(
                ErrorReport(timestamp="t", name=name, message=f"{name} happened", level="error")
            ),
        )
        for name in names
    ]
    door.append(SCOPE, entries, UNLIMITED, "")


def issues(redis: Redis, now_ms: int) -> dict[str, activity.Active]:
    """Return every issue by its title."""
    every = activity.recent(redis, SCOPE, SLUG, 0, now_ms, 1_000)
    return {issue.title: issue for issue in every}


def test_a_flood_drowns_no_other_error(
    bench: Bench, door: Door, redis: Redis, settings: Settings
) -> None:
    """Counts are exact, the others have their samples, the flood's are bounded, all is kept."""
    now_ms = clock.now_ms()
    others = [f"Rare{chr(65 + n // 26)}{chr(65 + n % 26)}Error" for n in range(50)]
    for number, other in enumerate(others):
        put(door, ["FloodError"] * 200 + [other] + ["FloodError"] * 200, now_ms + number)
    while redis.xlen(keys.events(SCOPE)):
        assert drain.drain(bench, SCOPE, PROJECT, seconds=60.0).failed == 0
    found = issues(redis, now_ms)
    assert len(found) == 51
    flood = found.pop("FloodError: FloodError happened")
    assert (flood.count, sum(flood.hours.values())) == (20_000, 20_000)
    assert {issue.count for issue in found.values()} == {1}
    kept = samples.kept(redis, SCOPE, [flood.number])
    assert 10 <= len(kept) <= MOST_SAMPLES
    for issue in found.values():
        assert len(samples.kept(redis, SCOPE, [issue.number])) == 1
    lines = archived(settings)
    assert len(lines) == 20_050
    ids = {msgspec.json.decode(line)["id"] for line in lines}
    assert {sample.event_id for sample in kept} <= ids


def test_a_spike_is_told_until_it_is_over(
    bench: Bench, door: Door, redis: Redis, settings: Settings
) -> None:
    """A day at sixty an hour, then ten a minute: told within five minutes; the others never."""
    start_ms = clock.now_ms() - clock.now_ms() % HOUR_MS - 26 * HOUR_MS
    for hour in range(25):
        put(door, ["SteadyError"] * 60 + ["CalmError"] * 60, start_ms + hour * HOUR_MS)
    drain.drain(bench, SCOPE, PROJECT, seconds=60.0)
    now_ms = start_ms + 25 * HOUR_MS

    def pass_minute(number: int) -> list[str]:
        nonlocal now_ms
        put(door, ["SteadyError"] * number + ["CalmError"], now_ms)
        drain.drain(bench, SCOPE, PROJECT, seconds=60.0)
        now_ms += MINUTE_MS
        context = Context(settings, redis, {SCOPE: PROJECT, keys.SITE: 0}, now_ms)
        told = spikes.run(context).findings
        assert not told or list(told) == [SCOPE]
        return [finding.key for finding in told.get(SCOPE, ())]

    assert [pass_minute(1) for _ in range(10)] == [[]] * 10
    told = [pass_minute(10) for _ in range(5)]
    steady = issues(redis, now_ms)["SteadyError: SteadyError happened"]
    assert told[0] == []
    assert told[4] == [f"issue-spike:{steady.id}"]
    actions.ignore(redis, SCOPE, steady.number, actions.Until(), by="test", now_ms=now_ms)
    assert pass_minute(10) == []
    actions.reopen(redis, SCOPE, steady.number, by="test", now_ms=now_ms)
    assert pass_minute(10) == [f"issue-spike:{steady.id}"]
    for _ in range(90):
        last = pass_minute(1)
    assert last == []
    assert redis.hlen(keys.spikes(SCOPE)) == 2


def test_a_merge_is_no_spike(bench: Bench, door: Door, redis: Redis, settings: Settings) -> None:
    """The events of the other issue are many at once, and old."""
    now_ms = clock.now_ms()
    for hour in range(4, 0, -1):
        put(door, ["OneError"] * 5 + ["OtherError"] * 2_000, now_ms - hour * HOUR_MS)
    put(door, ["OneError"], now_ms)
    drain.drain(bench, SCOPE, PROJECT, seconds=60.0)
    found = issues(redis, now_ms)
    one, other = found["OneError: OneError happened"], found["OtherError: OtherError happened"]
    for minute in range(30):
        if minute == 10:
            actions.merge(redis, SCOPE, one.number, [other.number], by="test", now_ms=now_ms)
        context = Context(settings, redis, {SCOPE: PROJECT}, now_ms + minute * MINUTE_MS)
        assert spikes.run(context).findings == {}
    merged = issues(redis, now_ms)["OneError: OneError happened"]
    assert (merged.count, merged.parts) == (8_021, (one.number, other.number))


def test_catching_up_is_no_spike(
    bench: Bench, door: Door, redis: Redis, settings: Settings
) -> None:
    """Workers that were away for an hour bring its events all at once."""
    now_ms = clock.now_ms()
    for hour in range(25, 1, -1):
        put(door, ["SteadyError"] * 60, now_ms - hour * HOUR_MS)
    drain.drain(bench, SCOPE, PROJECT, seconds=60.0)

    def look(minute: int) -> Outcome:
        context = Context(settings, redis, {SCOPE: PROJECT}, now_ms + minute * MINUTE_MS)
        return spikes.run(context)

    put(door, ["SteadyError"], now_ms)
    drain.drain(bench, SCOPE, PROJECT, seconds=60.0)
    for minute in range(10):
        assert look(minute).findings == {}
    put(door, ["SteadyError"] * 60, now_ms)  # its place in the stream is from now, and so is old
    for minute in range(10, 15):
        assert look(minute).summary == {"web.looked_at": "the queue lags"}
    drain.drain(bench, SCOPE, PROJECT, seconds=60.0)
    for minute in range(15, 30):
        assert look(minute).findings == {}


def test_what_is_over_is_forgotten(redis: Redis, settings: Settings) -> None:
    """An issue that was not seen for an hour leaves nothing behind."""
    redis.hset(keys.spikes(SCOPE), "7", b'{"totals":[[1,2]],"since_ms":1}')
    context = Context(settings, redis, {SCOPE: PROJECT}, clock.now_ms())
    assert spikes.run(context).summary == {"web.looked_at": 0, "web.spikes": 0}
    assert not redis.exists(keys.spikes(SCOPE))
