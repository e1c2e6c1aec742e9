from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from equerry import clock
from equerry.archive import hours, line
from equerry.archive.hours import Hour
from equerry.events.event import Event
from equerry.events.severity import Severity
from equerry.issues import recount
from equerry.issues.recount import Recount
from equerry.issues.tally import IssueDelta

NOW_MS = clock.parse_ms("2026-11-23T15:04:05Z")

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write errors of one issue: (`_id`, project, title, severity) in a segment."""

    def segment(name: str, *rows: tuple[str, int, str, Severity]) -> None:
        path = tmp_path / "errors" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for stream_id, project, title, severity in rows:
            event = Event(
                stream_id=stream_id,
                id="ab" * 16,
                kind="errors",
                project=project,
                received_ms=int(stream_id.partition("-")[0]),
                raw=f'{{"timestamp":"2026-11-23T15:04:05Z","message":"{title}"}}'.encode(),
                fingerprint="f",
                severity=severity,
                severity_reason="x",
            )
            with path.open("ab") as file:
                file.write(line.encode(event))

    return segment


class Counted(NamedTuple):
    """A count, and each project's issues as they were added: batch after batch."""

    done: Recount
    issues: dict[int, list[Mapping[str, IssueDelta]]]


def count(root: Path, uncommitted: dict[int, Any] | None = None) -> Counted:
    """Count what was written."""
    read: list[Hour] = []
    issues: dict[int, list[Mapping[str, IssueDelta]]] = {}
    found = hours.hours(root, recount.KINDS)
    projects = uncommitted or {1: ()}
    done = recount.begin(projects)
    recount.recount(
        done,
        found,
        projects,
        NOW_MS,
        lambda project, some: issues.setdefault(project, []).append(some),
        read.append,
    )
    assert read == found
    return Counted(done, issues)


def test_an_issue_over_consumers_and_hours(tmp_path: Path, write: Write) -> None:
    """Hour by hour, each in order: the title is the earliest event's, the severity the highest."""
    write("2026-11-23/14-n-1.jsonl", (f"{NOW_MS - 10}-0", 1, "second", Severity.LOW))
    write("2026-11-23/14-n-2.jsonl", (f"{NOW_MS - 20}-0", 1, "first", Severity.HIGH))
    write("2026-11-23/15-n-1.jsonl", (f"{NOW_MS}-0", 1, "third", Severity.MEDIUM))
    [hour_before, hour] = count(tmp_path).issues[1]
    issue = hour_before["f"]
    assert (issue.title, issue.severity, issue.count) == ("first", Severity.HIGH, 2)
    assert (issue.first_ms, issue.last_ms) == (NOW_MS - 20, NOW_MS - 10)
    assert (hour["f"].title, hour["f"].count) == ("third", 1)


def test_same_id_in_two_projects(tmp_path: Path, write: Write) -> None:
    """Streams give ids of their own: the same one in two projects is two events."""
    row = f"{NOW_MS}-0"
    write("2026-11-23/15-n-1.jsonl", (row, 1, "a", Severity.LOW), (row, 2, "b", Severity.LOW))
    done, issues = count(tmp_path, {1: (), 2: ()})
    assert [[each["f"].title for each in issues[project]] for project in (1, 2)] == [["a"], ["b"]]
    assert done.repeated == 0
    assert done.events == {1: 1, 2: 1}


def test_repeats(tmp_path: Path, write: Write) -> None:
    """A line that stands again in this hour or the next counts once."""
    row = (f"{NOW_MS}-0", 1, "a", Severity.LOW)
    write("2026-11-23/14-n-1.jsonl", row)
    write("2026-11-23/14-n-2.jsonl", row)
    write("2026-11-23/15-n-2.jsonl", row)
    done, issues = count(tmp_path)
    assert (done.lines, done.repeated) == (3, 2)
    assert [each["f"].count for each in issues[1]] == [1]


def test_left_out(tmp_path: Path, write: Write) -> None:
    """Lines not committed, and those of projects not asked for, are told but not counted."""
    write("2026-11-23/15-n-1.jsonl", (f"{NOW_MS}-0", 1, "a", Severity.LOW))
    write("2026-11-23/15-n-2.jsonl", (f"{NOW_MS}-1", 9, "b", Severity.LOW))
    done, issues = count(tmp_path, {1: {f"{NOW_MS}-0"}})
    assert (done.uncommitted, done.strange) == (1, 1)
    assert not issues


def test_expired_buckets(tmp_path: Path, write: Write) -> None:
    """Minutes and hours that Redis would forget at once are not kept in memory either."""
    old_ms = NOW_MS - 60 * 86_400_000
    write("2026-09-24/15-n-1.jsonl", (f"{old_ms}-0", 1, "a", Severity.LOW))
    write("2026-11-23/15-n-1.jsonl", (f"{NOW_MS}-0", 1, "a", Severity.LOW))
    buckets = set(count(tmp_path).done.counts[1])
    now = {clock.minute(NOW_MS), clock.hour(NOW_MS), clock.day(NOW_MS)}
    assert buckets == now | {clock.day(old_ms)}
