"""What each scheduled job finds."""

import io
import os
from pathlib import Path

import msgspec
import pytest
import zstandard
from receivers import HttpReceiver, Reply

from equerry import clock, keys, queue
from equerry.alert_settings import Alerts
from equerry.alerts.policy import AlertState
from equerry.archive import read
from equerry.archive.segment import Writer
from equerry.errors import EquerryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues import state
from equerry.issues.state import State
from equerry.redis_client import Redis
from equerry.settings import Archive, Heartbeat
from equerry.source_maps.artefact import Incoming, Kind
from equerry.source_maps.store import FOLDER, Store, Upload
from equerry.stream import findings
from workers.jobs import (
    bound_index,
    error_rate,
    heartbeat,
    retention,
    sweep_outbox,
    sweep_streams,
    watch_parts,
)
from workers.jobs.job import Context

DAY = 86_400_000


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """Return what was enqueued; there is no broker here."""
    sent: list[tuple[str, tuple[object, ...]]] = []

    def note(task: queue.Task, *arguments: object) -> None:
        sent.append((task.name, arguments))

    monkeypatch.setattr(queue, "enqueue", note)
    return sent


def test_sweep_rings_for_what_waits_once(
    context: Context, redis: Redis, rung: list[tuple[str, tuple[object, ...]]]
) -> None:
    """Events and findings are rung for; a scope that rang already, or has nothing, is not."""
    redis.xadd(keys.events("p1"), {"k": "x"})
    findings.put(redis, keys.SITE, [Finding("r", "k", Severity.LOW, "t", 1)])
    assert sweep_streams.run(context).summary == {"rung": 2}
    assert sweep_streams.run(context).summary == {"rung": 0}
    assert rung == [(queue.DRAIN.name, ("p1",)), (queue.DECIDE.name, (keys.SITE,))]


def test_sweep_sends_what_is_due(
    context: Context, redis: Redis, rung: list[tuple[str, tuple[object, ...]]]
) -> None:
    """Due rows are enqueued, later ones are not, and an ended group is rung for."""
    redis.zadd(keys.outbox_due("p1"), {"now": context.now_ms, "later": context.now_ms + 9_000})
    redis.hset(keys.groups("p1"), "g", b'{"until_ms":1,"waiting":[]}')
    assert sweep_outbox.run(context).summary == {"bundles": 1, "sends": 1}
    assert (queue.DELIVER.name, ("p1", "now")) in rung


def count(redis: Redis, now_ms: int, **counters: int) -> None:
    """Add to the counters of the last minute and its hour."""
    for bucket in {clock.minute(now_ms - 60_000), clock.hour(now_ms - 60_000)}:
        for name, number in counters.items():
            redis.hincrby(keys.counts("p1", bucket), name, number)


@pytest.mark.parametrize(
    ("errors", "views", "verdict", "told"),
    [
        (0, 0, "insufficient-data", False),
        (19, 19, "insufficient-data", False),
        (1, 20, "ok", False),
        (2, 20, "ok", False),
        (10, 20, "high", True),
        (50, 1_000, "ok", False),
        (70, 1_000, "high", True),
        (500, 100, "high", True),
    ],
)
def test_error_rate(
    context: Context, redis: Redis, errors: int, views: int, verdict: str, *, told: bool
) -> None:
    """Critical when the rate is surely above 5%; too few page views are never called ok."""
    count(redis, context.now_ms, failures=errors, page_views=views)
    outcome = error_rate.run(context)
    assert outcome.summary["web.minute"] == verdict
    assert bool(outcome.findings) is told
    if told:
        [finding] = outcome.findings["p1"]
        assert (finding.severity, finding.key) == (Severity.CRITICAL, "error-rate")


def test_navigations_stand_in_for_page_views(context: Context, redis: Redis) -> None:
    """A site that reports no page views has one TTFB metric for each."""
    count(redis, context.now_ms, failures=50, navigations=100)
    assert error_rate.run(context).summary["web.minute"] == "high"


@pytest.mark.parametrize(
    ("counted", "verdict", "per"),
    [
        ({"sessions": 100, "failures": 50}, "high", "sessions"),
        ({"sessions": 100, "failures": 1}, "ok", "sessions"),
        ({"sessions": 19, "failures": 19}, "insufficient-data", "sessions"),
        ({"sessions": 100, "navigations": 1_000, "failures": 50}, "ok", "navigations"),
        ({"sessions": 100, "page_views": 10, "failures": 0}, "insufficient-data", "page views"),
        ({"failures": 50}, "insufficient-data", "page views"),
    ],
)
def test_what_errors_are_compared_with(
    context: Context, redis: Redis, counted: dict[str, int], verdict: str, per: str
) -> None:
    """Page views, else navigations, else sessions; which of them is said."""
    count(redis, context.now_ms, **counted)
    outcome = error_rate.run(context)
    assert (outcome.summary["web.minute"], outcome.summary["web.per"]) == (verdict, per)
    for finding in outcome.findings.get("p1", ()):
        assert f"50 errors in 100 {per}" in finding.title
        assert per in finding.details["Last minute"]


def write(context: Context, kind: str, lines: list[bytes], at_ms: int) -> Path:
    """Write a segment of that hour and return it."""
    root = context.settings.data_path / "archive"
    writer = Writer(root, "c-1")
    writer.append({kind: lines}, at_ms)
    writer.close()
    return root / kind / clock.day(at_ms) / f"{clock.hour(at_ms)[11:]}-c-1.jsonl"


def test_retention_closes_past_hours_only(context: Context) -> None:
    """A past hour is compressed and reads the same; the present one is left to its writer."""
    past = write(context, "errors", [b'{"_id":"1-0"}\n'], context.now_ms - 3_600_000)
    present = write(context, "errors", [b'{"_id":"2-0"}\n'], context.now_ms)
    assert retention.run(context).summary["closed"] == 1
    assert not past.exists()
    assert present.exists()
    closed = past.with_name(past.name + ".zst")
    assert zstandard.ZstdDecompressor().stream_reader(closed.read_bytes()).read() == (
        b'{"_id":"1-0"}\n'
    )
    root = context.settings.data_path / "archive"
    assert [list(read.whole_lines(segment)) for segment in read.segments(root)] == [
        [b'{"_id":"1-0"}\n'],
        [b'{"_id":"2-0"}\n'],
    ]


def test_retention_leaves_an_open_segment_alone(context: Context) -> None:
    """A drain that has a past hour open keeps it: it is closed the next time."""
    root = context.settings.data_path / "archive"
    writer = Writer(root, "c-1")
    writer.append({"errors": [b"x\n"]}, context.now_ms - 3_600_000)
    assert retention.run(context).summary["closed"] == 0
    writer.close()
    assert retention.run(context).summary["closed"] == 1


def test_an_hour_that_comes_again_overwrites_nothing(context: Context) -> None:
    """A clock that steps back into a closed hour begins another segment of it."""
    hour_ago = context.now_ms - 3_600_000
    for text in (b"first\n", b"second\n", b"third\n"):
        write(context, "errors", [text], hour_ago)
        assert retention.run(context).summary["closed"] == 1
    root = context.settings.data_path / "archive"
    found = read.segments(root)
    lines = sorted(line for segment in found for line in read.whole_lines(segment))
    assert lines == [b"first\n", b"second\n", b"third\n"]
    assert {segment.consumer for segment in found} == {"c-1"}


def test_retention_removes_what_is_too_old(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    """Beyond the retention a day goes, oldest first, and each file is named."""
    old = write(context, "errors", [b"old\n"], context.now_ms - 91 * DAY)
    kept = write(context, "errors", [b"kept\n"], context.now_ms - 89 * DAY)
    with caplog.at_level("INFO"):
        summary = retention.run(context).summary
    assert (summary["closed"], summary["removed"]) == (2, 1)
    assert not old.parent.exists()
    assert kept.with_name(kept.name + ".zst").exists()
    assert "segment-removed" in caplog.text


def test_the_journal_of_issues_is_kept_longer(context: Context) -> None:
    """Numbers hang on it: it goes by age alone, and at ten times the age."""
    kept = write(context, "issues", [os.urandom(5_000) + b"\n"], context.now_ms - 899 * DAY)
    gone = write(context, "issues", [b"x\n"], context.now_ms - 901 * DAY)
    limited = msgspec.structs.replace(context.settings, archive=Archive(max_bytes=1))
    summary = retention.run(msgspec.structs.replace(context, settings=limited)).summary
    assert summary["removed"] == 1
    assert kept.with_name(kept.name + ".zst").exists()
    assert not gone.parent.exists()


def test_retention_keeps_within_its_bytes(context: Context) -> None:
    """Over the byte limit the oldest closed segments go until it fits."""
    for days in range(1, 6):
        write(context, "errors", [os.urandom(5_000) + b"\n"], context.now_ms - days * DAY)
    limited = msgspec.structs.replace(context.settings, archive=Archive(max_bytes=12_000))
    retention.run(msgspec.structs.replace(context, settings=limited))
    left = read.segments(context.settings.data_path / "archive")
    assert [segment.day for segment in left] == [
        clock.day(context.now_ms - 2 * DAY),
        clock.day(context.now_ms - DAY),
    ]


def test_watch_parts_keeps_since_when(context: Context, redis: Redis) -> None:
    """A part's since moves with its status only."""
    watch_parts.run(context)
    first = redis.hget(keys.conditions(), "beat")
    watch_parts.run(msgspec.structs.replace(context, now_ms=context.now_ms + 5_000))
    assert redis.hget(keys.conditions(), "beat") == first
    redis.set(keys.beat_leader(), b"x")
    watch_parts.run(msgspec.structs.replace(context, now_ms=context.now_ms + 9_000))
    assert redis.hget(keys.conditions(), "beat") == f"ok {context.now_ms + 9_000}".encode()


def test_watch_parts_reports_dead_letters_and_a_stalled_queue(
    context: Context, redis: Redis
) -> None:
    """What an operator must hear of is a finding."""
    redis.xadd(keys.dead("p1"), {"k": "errors"})
    redis.xadd(keys.events("p1"), {"k": "errors"}, id=f"{context.now_ms - 120_000}-0")
    rules = {finding.rule for finding in watch_parts.run(context).findings[keys.SITE]}
    assert {"dead-letters", "queue-stalled"} <= rules


def test_bound_index_forgets_the_oldest(
    context: Context, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit the longest unseen go: issues, alerts and releases alike."""
    monkeypatch.setattr(bound_index, "MAX_ISSUES", 3)
    monkeypatch.setattr(bound_index, "MAX_ALERTS", 3)
    for number in range(5):
        redis.zadd(keys.issues("p1"), {number: number})
        redis.hset(keys.fingerprints("p1"), f"f{number}", number)
        redis.hset(keys.states("p1"), number, state.encode(State(severity=Severity.LOW)))
        redis.hset(keys.issue("p1", number), "count", 1)
        redis.hset(keys.issue_part("p1", number, "counts"), "2026-11-23", 1)
        finding = Finding("r", f"k{number}", Severity.LOW, "t", number)
        alert = AlertState(finding, number, number, number, 1)
        redis.hset(keys.alerts("p1"), f"k{number}", msgspec.json.encode(alert))
        redis.zadd(keys.recent_releases("p1"), {f"r{number}": number})
        redis.hset(keys.release("p1", f"r{number}"), "events", 1)
    monkeypatch.setattr(bound_index, "MAX_RELEASES", 3)
    assert bound_index.run(context).summary == {
        "issues_forgotten": 2,
        "alerts_forgotten": 2,
        "releases_forgotten": 2,
    }
    assert redis.zrange(keys.recent_releases("p1"), 0, -1) == [b"r2", b"r3", b"r4"]
    assert len(list(redis.scan_iter(keys.release("p1", "*")))) == 3
    assert redis.zrange(keys.issues("p1"), 0, -1) == [b"2", b"3", b"4"]
    assert sorted(redis.hkeys(keys.fingerprints("p1"))) == [b"f2", b"f3", b"f4"]
    assert sorted(redis.hkeys(keys.states("p1"))) == [b"2", b"3", b"4"]
    assert len(list(redis.scan_iter(keys.issue("p1", "*")))) == 6
    assert sorted(redis.hkeys(keys.alerts("p1"))) == [b"k2", b"k3", b"k4"]


def test_watch_parts_remembers_the_projects(context: Context, redis: Redis) -> None:
    """Once one has left the settings, health still knows whose events may wait."""
    watch_parts.run(context)
    assert redis.smembers(keys.scopes_seen()) == {b"p1", keys.SITE.encode()}


def test_heartbeat(context: Context) -> None:
    """Asked for where one is configured; an answer that is no success fails the run."""
    assert heartbeat.run(context).summary == {"heartbeat": "not configured"}
    with HttpReceiver(Reply(200), Reply(500)) as receiver:
        settings = msgspec.structs.replace(
            context.settings,
            heartbeat=Heartbeat(url=receiver.url),
            alerts=Alerts(allow_private=True),
        )
        configured = msgspec.structs.replace(context, settings=settings)
        assert heartbeat.run(configured).summary == {"status": 200}
        with pytest.raises(EquerryError, match="500"):
            heartbeat.run(configured)


def test_retention_removes_unused_source_maps(context: Context) -> None:
    """An upload that resolved nothing for source_maps.unused_days is removed with its bytes."""
    store = Store(context.settings.data_path / FOLDER, 1)
    old_ms = context.now_ms - 91 * 86_400_000
    script = Incoming("~/a.js", Kind.MINIFIED, lambda: io.BytesIO(b"x"))
    store.add([script], Upload("old", "", old_ms), context.settings.source_maps)
    [path] = store.folder.glob("files/*/*")
    assert retention.run(context).summary["source_maps_removed"] == 0
    os.utime(path, (old_ms / 1000, old_ms / 1000))
    assert retention.run(context).summary["source_maps_removed"] == 1
    assert not path.exists()


def test_retention_goes_on_past_a_damaged_index(context: Context) -> None:
    """A project whose index of source maps is no database fails nothing else."""
    store = Store(context.settings.data_path / FOLDER, 1)
    store.folder.mkdir(parents=True)
    store.index_path.write_bytes(b"no database" * 100)
    summary = retention.run(context).summary
    assert summary["source_maps_removed"] == 0
    assert "closed" in summary
