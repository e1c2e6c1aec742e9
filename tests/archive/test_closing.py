"""Closing, writing and reading side by side: no line is lost, whoever comes in between."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from equerry import clock
from equerry.archive import closing, read
from equerry.archive.segment import Writer

NOW_MS = clock.parse_ms("2026-11-23T15:04:05Z")
HOUR_MS = 3_600_000
PAST_MS = NOW_MS - HOUR_MS
NAME = "errors/2026-11-23/14-n-1.jsonl"


def line(number: int) -> bytes:
    """Return a line of project 1."""
    return b'{"_id":"%d-0","id":"%032x","project":1,"received_at":""}\n' % (number, number)


def write(root: Path, *numbers: int) -> None:
    """Append these lines to the past hour, as a drain does."""
    writer = Writer(root, "n-1")
    writer.append({"errors": [line(number) for number in numbers]}, PAST_MS)
    writer.close()


def seen(root: Path) -> list[bytes]:
    """Return every line that a reader finds."""
    return [each for segment in read.segments(root) for each in read.whole_lines(segment)]


def once(real: Callable[..., object], first: Callable[[], object]) -> Callable[..., object]:
    """Return the real function, which does something else first when it is called first."""
    waiting = [first]

    def call(*arguments: object, **more: object) -> object:
        if waiting:
            waiting.pop()()
        return real(*arguments, **more)

    return call


def close(root: Path) -> None:
    """Close what is past."""
    closing.close_past(root, NOW_MS)


def test_closed_before_the_writer_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name was chosen, then the hour was closed: the writer takes the next name."""
    write(tmp_path, 1)
    writer = Writer(tmp_path, "n-1")
    real = os.open

    def open_late(path: object, *arguments: int) -> int:
        if str(path).endswith("14-n-1.jsonl"):
            monkeypatch.setattr("equerry.archive.segment.os.open", real)
            close(tmp_path)
        return real(path, *arguments)  # type: ignore[call-overload]

    monkeypatch.setattr("equerry.archive.segment.os.open", open_late)
    writer.append({"errors": [line(2)]}, PAST_MS)
    writer.close()
    assert sorted(seen(tmp_path)) == [line(1), line(2)]
    close(tmp_path)
    assert sorted(seen(tmp_path)) == [line(1), line(2)]


@pytest.mark.parametrize(
    ("compressed", "still_open", "kept"),
    [
        ([1, 2], [1, 2], [1, 2]),
        ([1, 2], [1, 2, 3], [1, 2, 3]),
        ([1, 2], [3], [1, 2, 3]),
        ([1, 2], [], [1, 2]),
        ([1, 2, 3], [1, 2], [1, 2, 3, 1, 2]),
    ],
)
def test_both_are_there(
    tmp_path: Path, compressed: list[int], still_open: list[int], kept: list[int]
) -> None:
    """A kill in between is finished; other lines are put behind, never in the place of lines."""
    path = tmp_path / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"".join(map(line, still_open)))
    packed = zstandard.compress(b"".join(map(line, compressed)))
    path.with_name(f"{path.name}.zst").write_bytes(packed)
    close(tmp_path)
    assert not path.exists()
    assert seen(tmp_path) == [line(number) for number in kept]


def test_a_damaged_compressed_one_is_left_alone(tmp_path: Path) -> None:
    """What cannot be compared is not overwritten; the others are closed all the same."""
    write(tmp_path, 1)
    damaged = tmp_path / f"{NAME}.zst"
    damaged.write_bytes(b"no zstd at all")
    (tmp_path / NAME.replace("14-n-1", "13-n-1")).write_bytes(line(2))
    close(tmp_path)
    assert damaged.read_bytes() == b"no zstd at all"
    assert sorted(path.name for path in damaged.parent.iterdir()) == [
        "13-n-1.jsonl.zst",
        "14-n-1.jsonl",
        "14-n-1.jsonl.zst",
    ]


def test_closed_between_the_two_listings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is listed whichever of the two it is at the moment."""
    write(tmp_path, 1)
    real = Path.glob

    def glob(self: Path, pattern: str) -> list[Path]:
        found = list(real(self, pattern))
        monkeypatch.setattr(Path, "glob", real)
        close(tmp_path)
        return found

    monkeypatch.setattr(Path, "glob", glob)
    found = read.segments(tmp_path)
    assert [list(read.whole_lines(segment)) for segment in found] == [[line(1)]]


@pytest.mark.parametrize("step", ["equerry.archive.read._among", "equerry.archive.read.fsync"])
def test_closed_while_ids_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whose entries are taken over is found, be the segment closed before it is read or after."""
    write(tmp_path, 1)
    module = read
    name = step.rpartition(".")[2]
    monkeypatch.setattr(step, once(getattr(module, name), lambda: close(tmp_path)))
    assert read.written(tmp_path, "n-1", 1, {b"1-0", b"2-0"}) == {b"1-0"}


def test_closed_while_changed_segments_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same over every consumer's segments; what retention removed holds nothing."""
    write(tmp_path, 1)
    [segment] = read.segments(tmp_path)
    close(tmp_path)
    monkeypatch.setattr(read, "segments", lambda _root: [segment])
    assert read.written_since(tmp_path, 0, 1, {b"1-0"}) == {b"1-0"}
    read.when_closed(segment).path.unlink()
    assert read.written_since(tmp_path, 0, 1, {b"1-0"}) == set()
    assert read.written(tmp_path, "n-1", 1, {b"1-0"}) == set()
