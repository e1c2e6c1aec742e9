import fcntl
from pathlib import Path

import pytest

from equerry import clock
from equerry.archive import closing, holding, read
from equerry.archive.segment import Writer

NOW_MS = clock.parse_ms("2026-11-23T15:04:05Z")
HOUR_MS = 3_600_000


def write(root: Path, at_ms: int) -> None:
    """Append a line at that time, as a drain does."""
    writer = Writer(root, "n-1")
    writer.append({"errors": [b"{}\n"]}, at_ms)
    writer.close()


def test_not_closed_while_held(tmp_path: Path) -> None:
    """What somebody reads is closed the next time; what drains write is not in their way."""
    write(tmp_path, NOW_MS - HOUR_MS)
    write(tmp_path, NOW_MS)
    with holding.held(tmp_path, NOW_MS) as found:
        assert [segment.hour for segment in found] == ["14", "15"]
        assert closing.close_past(tmp_path, NOW_MS) == []
        write(tmp_path, NOW_MS)
    assert len(closing.close_past(tmp_path, NOW_MS)) == 1


def test_being_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that is being closed is waited for, and found closed; but not waited for ever."""
    write(tmp_path, NOW_MS - HOUR_MS)
    [segment] = read.segments(tmp_path)
    with segment.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def meanwhile(_seconds: float) -> None:
            fcntl.flock(file, fcntl.LOCK_UN)
            closing.close_past(tmp_path, NOW_MS)

        monkeypatch.setattr(holding.time, "sleep", meanwhile)
        with holding.held(tmp_path, NOW_MS) as found:
            assert [each.closed for each in found] == [True]
    monkeypatch.undo()
    write(tmp_path, NOW_MS - 2 * HOUR_MS)
    monkeypatch.setattr(holding, "PATIENCE_SECONDS", 0.0)
    with (tmp_path / "errors/2026-11-23/13-n-1.jsonl").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with holding.held(tmp_path, NOW_MS) as found:
            assert len(found) == 2
