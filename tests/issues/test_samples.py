"""The events of an issue, found in the archive by their place in the stream."""

from pathlib import Path

import pytest
from issue_events import NOW_MS, SCOPE, error, happen

from equerry.archive import closing
from equerry.archive.segment import Writer
from equerry.events.event import Event
from equerry.issues import samples
from equerry.issues.samples import Missing, Sample
from equerry.redis_client import Redis
from workers.pipeline import commit

HOUR_MS = 3_600_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the archive's folder."""
    return tmp_path / "archive"


def archive(root: Path, event: Event, at_ms: int) -> Sample:
    """Write an event's line at this time; returns the sample of it."""
    writer = Writer(root, "node-1")
    commit.archive(writer, [event], (), at_ms)
    writer.close()
    return Sample(event.stream_id, event.id)


def test_read_back(redis: Redis, root: Path) -> None:
    """What an issue keeps is there with its line, the newest first."""
    sent = [error(at_ms=NOW_MS + number) for number in range(3)]
    happen(redis, *sent, archive=root)
    found = samples.read(root, 1, samples.kept(redis, SCOPE, [1]))
    assert [sample.event_id for sample in found] == [event.id for event in reversed(sent)]
    assert [sample.event.report for sample in found if sample.event] == [
        event.report for event in reversed(sent)
    ]


def test_compressed_and_later_hours(root: Path) -> None:
    """A line stands where its batch was written: hours after it was accepted, or compressed."""
    at_once = archive(root, error("a", at_ms=NOW_MS), NOW_MS)
    waited = archive(root, error("b", at_ms=NOW_MS), NOW_MS + 30 * HOUR_MS)
    assert len(closing.close_past(root, NOW_MS + 31 * HOUR_MS)) == 2
    fresh = archive(root, error("c", at_ms=NOW_MS + 31 * HOUR_MS), NOW_MS + 31 * HOUR_MS)
    found = samples.read(root, 1, [fresh, waited, at_once])
    assert [bool(sample.line) for sample in found] == [True, True, True]


def test_another_projects_event_of_the_same_place(root: Path) -> None:
    """Streams of two projects give the same ids: only the project's own line is shown."""
    sample = archive(root, error("a"), NOW_MS)
    assert samples.read(root, 2, [sample])[0].missing is Missing.ELSEWHERE


def test_why_it_is_missing(root: Path) -> None:
    """Removed by retention, or written elsewhere: what is not there is not shown as if it was."""
    archive(root, error("a"), NOW_MS)
    old = Sample(f"{NOW_MS - 90 * 24 * HOUR_MS}-0", "a" * 32)
    far = Sample(f"{NOW_MS}-99999", "b" * 32)
    assert [sample.missing for sample in samples.read(root, 1, [old, far])] == [
        Missing.RETENTION,
        Missing.ELSEWHERE,
    ]
    assert samples.read(root, 1, []) == []


def test_bounded_time(root: Path) -> None:
    """A search that takes too long says so."""
    archive(root, error("a"), NOW_MS)
    far = Sample(f"{NOW_MS}-99999", "b" * 32)
    [found] = samples.read(root, 1, [far], patience_seconds=-1)
    assert found.missing is Missing.TIME


def test_damage(root: Path) -> None:
    """A segment that cannot be read to its end gives what can be read of it."""
    sample = archive(root, error("a"), NOW_MS)
    [segment] = root.glob("errors/*/*")
    closing.close_past(root, NOW_MS + 2 * HOUR_MS)
    closed = segment.with_name(f"{segment.name}.zst")
    closed.write_bytes(closed.read_bytes()[:-8])
    assert samples.read(root, 1, [sample])[0].missing in {None, Missing.ELSEWHERE}


def test_find(root: Path) -> None:
    """An event is found by its id, in whatever hour it stands."""
    sample = archive(root, error("a"), NOW_MS)
    archive(root, error("b"), NOW_MS + 5 * HOUR_MS)
    line, whole = samples.find(root, sample.event_id)
    assert line is not None
    assert sample.stream_id.encode() in line
    assert whole
    assert samples.find(root, "0" * 32) == (None, True)
    assert samples.find(root, "0" * 32, patience_seconds=-1) == (None, False)
