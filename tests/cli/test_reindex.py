import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result

from equerry import clock, keys
from equerry.archive import closing, gate, read
from equerry.archive.segment import Writer
from equerry.events import intake
from equerry.events.severity import RuleTable
from equerry.issues import rebuild, reindex
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.slots import Slots
from equerry.source_maps.maps import Maps
from equerry.stream.consumer import Consumer
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from workers.pipeline import batch, commit, drain
from workers.pipeline.batch import Bench
from workers.pipeline.stages import Tools

Cli = Callable[..., Result]
SENDER = intake.Sender("test", "")
ERRORS = (
    {"message": "Cannot pay order 17", "name": "TypeError", "level": "fatal"},
    {"message": "Cannot pay order 18", "name": "TypeError"},
    {"message": "slow", "level": "warning"},
    {"message": "ResizeObserver loop limit exceeded"},
    {"message": "Script error."},
)
METRICS = (
    {"event": "page_view", "duration": 3, "component": "x"},
    {"name": "TTFB", "value": 12.5, "id": "v1-1"},
    {"name": "LCP", "value": 1200, "id": "v1-2"},
)


SINGLE = frozenset({b"{p1}:fingerprints", b"{p1}:merged"})


def post(redis: Redis, ago_ms: int = 0) -> None:
    """Append one of everything to the stream."""
    for kind in (intake.errors, intake.metrics):
        some = kind([*(ERRORS if kind is intake.errors else METRICS)], SENDER, 1)
        assert not some.causes
        at_ms = clock.now_ms() - ago_ms
        entries = [Entry(b"", e.kind, e.id, at_ms, e.raw) for e in some.accepted]
        assert Door(redis, Queue()).append("p1", entries, UNLIMITED, "").ok


@pytest.fixture
def bench(redis: Redis, settings: Settings) -> Iterator[Bench]:
    """Return what one worker process drains with."""
    slots = Slots(settings.data_path / "consumers")
    consumer = Consumer(redis, slots, "node")
    yield Bench(
        settings,
        redis,
        consumer,
        Writer(settings.data_path / "archive", consumer.name),
        Tools(RuleTable(settings.severity.rules), Maps(settings.data_path)),
    )
    slots.release(1)


def run(bench: Bench) -> None:
    """Drain until the stream is empty."""
    drain.drain(bench, "p1", 1, seconds=5.0)
    assert bench.redis.xlen(keys.events("p1")) == 0


def move_to_yesterday(settings: Settings) -> None:
    """Let the segments be those of a past hour, as the next day finds them."""
    yesterday = clock.day(clock.now_ms() - 86_400_000)
    for segment in read.segments(settings.data_path / "archive"):
        folder = segment.path.parent.with_name(yesterday)
        folder.mkdir()
        segment.path.rename(folder / segment.path.name)


def index_of(redis: Redis) -> dict[bytes, Any]:
    """Return every key of the index with its value and its end.

    Left out is which events are kept as samples: batches of another size give others.
    """
    found: dict[bytes, Any] = {}
    for key in redis.scan_iter("{p1}:*"):
        if key.endswith((b":samples", b":activity")) or key.startswith(b"{p1}:rebuilt:"):
            continue
        if key.endswith(b":users"):
            found[key] = redis.pfcount(key)
        elif key.startswith((b"{p1}:counts:", b"{p1}:issue:")) or key in SINGLE:
            found[key] = (redis.hgetall(key), redis.expiretime(key))
        elif key in {b"{p1}:issues", b"{p1}:releases"}:
            found[key] = redis.zrange(key, 0, -1, withscores=True)
    return found


def test_same_as_the_drains(redis: Redis, settings: Settings, bench: Bench, cli: Cli) -> None:
    """Counters and issues come out as the drains had written them, index lost or not."""
    for ago_ms in (7_200_000, 3_600_000, 60_000, 0, 0):
        post(redis, ago_ms)
        run(bench)
    move_to_yesterday(settings)
    assert len(closing.close_past(settings.data_path / "archive", clock.now_ms())) == 4
    post(redis)
    run(bench)
    before = index_of(redis)
    assert sorted(before[b"{p1}:fingerprints"][0].values()) == [b"1", b"2"]
    assert cli("reindex").exit_code == 0
    assert index_of(redis) == before
    assert not list(redis.scan_iter("*rebuilt*"))
    redis.delete(*before, keys.states("p1"), keys.next_issue("p1"))
    done = cli("reindex", "--json")
    assert done.exit_code == 0
    assert index_of(redis) == before
    summary = json.loads(done.stdout)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "lines": 50,
        "repeated": 0,
        "uncommitted": 0,
        "other_projects": 0,
        "damaged": {},
        "projects": {"web": {"events": 48, "issues": 2}},
    }


def test_what_was_wrong_is_gone(redis: Redis, bench: Bench, cli: Cli) -> None:
    """Counters that drifted and issues that the archive does not know are replaced."""
    post(redis)
    run(bench)
    before = index_of(redis)
    redis.hincrby(keys.counts("p1", clock.day(clock.now_ms())), "errors", 1000)
    redis.hset(keys.issue("p1", 77), "count", 1)
    redis.zadd(keys.issues("p1"), {77: 1})
    assert index_of(redis) != before
    assert cli("reindex").exit_code == 0
    assert index_of(redis) == before


def test_a_batch_between_archive_and_commit(redis: Redis, bench: Bench, cli: Cli) -> None:
    """Lines whose event is still in the stream are counted by its drain, and so only once."""
    post(redis)
    run(bench)
    post(redis)
    entries = bench.consumer.read("p1")
    events = [batch._event(entry, 1) for entry in entries]
    commit.archive(bench.writer, [_staged(bench, event) for event in events], (), clock.now_ms())
    bench.writer.close()
    done = cli("reindex", "--json")
    assert json.loads(done.stdout)["uncommitted"] == len(entries)
    run(bench)
    counted = index_of(redis)
    today = counted[keys.counts("p1", clock.day(clock.now_ms())).encode()][0]
    assert {int(today[b"errors"]), int(today[b"metrics"])} == {6}
    cli("reindex")
    assert index_of(redis) == counted


def _staged(bench: Bench, event: Any) -> Any:
    return batch.stages.run(event, bench.tools)


def test_repeats_and_damage(redis: Redis, settings: Settings, bench: Bench, cli: Cli) -> None:
    """A copied segment counts once; a damaged line is left out, said, and exit code 1."""
    post(redis)
    run(bench)
    before = index_of(redis)
    root = settings.data_path / "archive"
    [segment] = read.segments(root, "errors")
    shutil.copy(segment.path, segment.path.with_name(f"{segment.hour}-copy-1.jsonl"))
    done = cli("reindex", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["repeated"] == len(list(read.whole_lines(segment)))
    assert index_of(redis) == before
    with segment.path.open("ab") as file:
        file.write(b'{"_id":"5-0","id":\n')
    done = cli("reindex")
    assert done.exit_code == 1
    assert f"1 damaged lines left out: {segment.path}" in done.stderr
    assert index_of(redis) == before


def test_a_kill_midway_changes_nothing(
    redis: Redis, settings: Settings, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before the swap, the old index stands as it was."""
    post(redis)
    run(bench)
    redis.hincrby(keys.counts("p1", clock.day(clock.now_ms())), "errors", 1000)
    before = index_of(redis)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex.reindex(redis, settings, clock.now_ms(), killed)
    assert index_of(redis) == before
    monkeypatch.setattr(rebuild.index, "write_states", killed)
    with pytest.raises(KeyboardInterrupt):
        reindex.reindex(redis, settings, clock.now_ms(), lambda *_: None)
    assert index_of(redis) == before


def test_older_days_are_kept(redis: Redis, bench: Bench, cli: Cli) -> None:
    """Counters of days that the archive has no longer are not thrown away."""
    old = keys.counts("p1", clock.day(clock.now_ms() - 100 * 86_400_000))
    redis.hset(old, "errors", 5)
    post(redis)
    run(bench)
    assert cli("reindex").exit_code == 0
    assert redis.hgetall(old) == {b"errors": b"5"}


def test_drains_stay_out(redis: Redis, settings: Settings, bench: Bench, cli: Cli) -> None:
    """While the gate is shut a drain leaves the events where they are; while it works, we wait."""
    post(redis)
    with gate.shut(settings.data_path, 1.0) as mine:
        assert mine
        assert drain.drain(bench, "p1", 1, seconds=5.0).events == 0
        assert redis.xlen(keys.events("p1")) == len(ERRORS) + len(METRICS)
        done = cli("reindex", "--wait", "0.1")
        assert (done.exit_code, "did not end within 0.1 s" in done.stderr) == (1, True)
    run(bench)
    with gate.passing(settings.data_path) as open_:
        assert open_
        done = cli("reindex", "--wait", "0.1")
        assert (done.exit_code, "nothing was changed" in done.stderr) == (1, True)
    assert cli("reindex").exit_code == 0


def test_empty_archive(redis: Redis, cli: Cli) -> None:
    """Nothing to rebuild from is a fault, and no reason to empty the index."""
    redis.hset(keys.counts("p1", "2026-11-23"), "errors", 5)
    done = cli("reindex")
    assert done.exit_code == 1
    assert "EQUERRY_DATA_DIR" in done.stderr
    assert redis.hgetall(keys.counts("p1", "2026-11-23")) == {b"errors": b"5"}


def test_another_machine(redis: Redis, bench: Bench, cli: Cli) -> None:
    """Where another machine drained too, its segments must be here, or be left out on purpose."""
    post(redis)
    run(bench)
    redis.xgroup_createconsumer(keys.events("p1"), "drain", "far-1")
    done = cli("reindex")
    assert done.exit_code == 1
    assert "other machines drained events too (far)" in done.stderr
    assert cli("reindex", "--force").exit_code == 0


def test_redis_away(redis: Redis, bench: Bench, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis it is one line that names the setting, exit code 2."""
    post(redis)
    run(bench)
    monkeypatch.setenv("EQUERRY_REDIS_URL", "redis://127.0.0.1:1/0")
    done = cli("reindex")
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("equerry: redis.url (EQUERRY_REDIS_URL): ")
