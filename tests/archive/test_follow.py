import os
from pathlib import Path

import pytest
import zstandard

from equerry import clock
from equerry.archive import follow

NOW_MS = clock.parse_ms("2026-11-23T15:59:59Z")
TODAY = "2026-11-23"


def row(stream_id: str, project: int = 1, padding: int = 0) -> bytes:
    """Return a line as the archive has it."""
    rest = f'"received_at":"x","message":"{"x" * padding}"'
    return f'{{"_id":"{stream_id}","id":"i","project":{project},{rest}}}\n'.encode()


def append(root: Path, name: str, *rows: bytes) -> Path:
    """Append to a segment of errors."""
    path = root / "errors" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(rows))
    return path


def ids(lines: list[bytes]) -> list[str]:
    """Return the lines' `_id`s."""
    return [line[8 : line.index(b'"', 8)].decode() for line in lines]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, ["40-0"]),
        (3, ["29-0", "30-0", "40-0"]),
        (5, ["10-0", "20-0", "29-0", "30-0", "40-0"]),
        (99, ["5-0", "10-0", "20-0", "29-0", "30-0", "40-0"]),
    ],
)
def test_last(tmp_path: Path, count: int, expected: list[str]) -> None:
    """The last ones of all consumers and hours, by `_id`; torn lines are not there yet."""
    append(tmp_path, "2026-11-22/23-n-1.jsonl.zst", zstandard.compress(row("5-0") + row("10-0")))
    append(tmp_path, f"{TODAY}/14-n-1.jsonl", row("20-0"), row("30-0"))
    append(tmp_path, f"{TODAY}/14-n-2.jsonl", row("29-0"))
    append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("40-0"), b'{"_id":"50-0","id"')
    assert ids(follow.last(tmp_path, "errors", count)) == expected


def test_last_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long segment only the end is read, and of hours before it nothing at all."""
    older = append(tmp_path, f"{TODAY}/14-n-1.jsonl", row("1-0"))
    rows = [row(f"{number}-0", padding=1_000) for number in range(10, 5_000)]
    newest = append(tmp_path, f"{TODAY}/15-n-1.jsonl", *rows)
    opened: list[Path] = []
    sizes: list[int] = []
    really_open, really_whole = Path.open, follow._whole

    def spy_open(path: Path, *arguments: str) -> object:
        opened.append(path)
        return really_open(path, *arguments)

    def spy_whole(data: bytes) -> list[bytes]:
        sizes.append(len(data))
        return really_whole(data)

    monkeypatch.setattr(Path, "open", spy_open)
    monkeypatch.setattr(follow, "_whole", spy_whole)
    assert ids(follow.last(tmp_path, "errors", 20))[0] == "4980-0"
    assert opened == [newest]
    assert older.exists()
    assert sizes[0] <= follow.FIRST_BLOCK_BYTES
    assert ids(follow.last(tmp_path, "errors", 400)) == [
        f"{number}-0" for number in range(4600, 5000)
    ]


def test_last_tells_repeats_once(tmp_path: Path) -> None:
    """A line that stands twice is one; the same `_id` in another project is another."""
    append(tmp_path, f"{TODAY}/14-n-1.jsonl", row("1-0"), row("1-0", project=2))
    append(tmp_path, f"{TODAY}/14-n-2.jsonl", row("1-0"))
    assert len(follow.last(tmp_path, "errors", 20)) == 2


def test_follow(tmp_path: Path) -> None:
    """What several consumers append comes once, whole and in order, over the change of the hour."""
    open_ = append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("1-0"))
    follower = follow.Follower(tmp_path, "errors", NOW_MS)
    assert follower.poll(NOW_MS) == []
    append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("3-0"), row("4-0")[:20])
    append(tmp_path, f"{TODAY}/15-n-2.jsonl", row("2-0"))
    assert ids(follower.poll(NOW_MS)) == ["2-0", "3-0"]
    append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("4-0")[20:])
    append(tmp_path, f"{TODAY}/16-n-1.jsonl", row("5-0"), row("4-0"))
    assert ids(follower.poll(NOW_MS + 2_000)) == ["4-0", "5-0"]
    append(tmp_path, f"{TODAY}/15-n-2.jsonl", row("6-0"))
    assert ids(follower.poll(NOW_MS + 2_000)) == ["6-0"]
    os.truncate(open_, len(row("1-0")))
    assert follower.poll(NOW_MS + 2_000) == []
    append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("7-0"))
    assert ids(follower.poll(NOW_MS + 2_000)) == ["7-0"]
    open_.unlink()
    assert follower.poll(NOW_MS + 2_000) == []


def test_follow_over_midnight(tmp_path: Path) -> None:
    """The first hour of a day begins in a new folder, while the last hour may still grow."""
    midnight = clock.parse_ms("2026-11-24T00:00:01Z")
    follower = follow.Follower(tmp_path, "errors", midnight - 2_000)
    append(tmp_path, f"{TODAY}/23-n-1.jsonl", row("1-0"))
    append(tmp_path, "2026-11-24/00-n-2.jsonl", row("2-0"))
    assert ids(follower.poll(midnight)) == ["1-0", "2-0"]


def test_what_was_read_before_the_first_poll(tmp_path: Path) -> None:
    """Lines that `last` has read already do not come again."""
    follower = follow.Follower(tmp_path, "errors", NOW_MS)
    append(tmp_path, f"{TODAY}/15-n-1.jsonl", row("1-0"))
    follower.shown(follow.last(tmp_path, "errors", 20))
    assert follower.poll(NOW_MS) == []
