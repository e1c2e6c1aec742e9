from pathlib import Path

import pytest
import zstandard

from equerry.archive import hours, read
from equerry.errors import ArchiveDamaged


def write(root: Path, name: str, *ids: str) -> Path:
    """Write a segment with lines of these `_id`s."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(f'{{"_id":"{each}"}}\n' for each in ids).encode()
    path.write_bytes(zstandard.compress(data) if name.endswith(".zst") else data)
    return path


def ids(root: Path) -> list[str]:
    """Return the `_id`s of all hours, in the order that they are read."""
    found = hours.hours(root, {"errors", "noise"})
    return [line[8:-3].decode() for hour in found for _, line in hours.merged(hour)]


def test_order(tmp_path: Path) -> None:
    """Hours come oldest first; within one, consumers and kinds are merged by `_id` as a number."""
    write(tmp_path, "errors/2026-11-23/10-n-1.jsonl", "90-0", "100-2", "100-10")
    write(tmp_path, "errors/2026-11-23/10-n-2.jsonl", "95-0", "100-9")
    write(tmp_path, "noise/2026-11-23/10-n-1.jsonl", "99-0")
    write(tmp_path, "errors/2026-11-22/23-n-1.jsonl.zst", "50-0")
    write(tmp_path, "errors/2026-11-23/09-n-1.jsonl", "96-0")
    write(tmp_path, "metrics/2026-11-23/09-n-1.jsonl", "1-0")
    assert ids(tmp_path) == ["50-0", "96-0", "90-0", "95-0", "99-0", "100-2", "100-9", "100-10"]


def test_compressed_meanwhile(tmp_path: Path) -> None:
    """A segment that retention closes or removes after it was listed is no fault."""
    path = write(tmp_path, "errors/2026-11-23/10-n-1.jsonl", "1-0")
    gone = write(tmp_path, "errors/2026-11-23/10-n-2.jsonl", "2-0")
    found = read.segments(tmp_path)
    write(tmp_path, "errors/2026-11-23/10-n-1.jsonl.zst", "1-0")
    path.unlink()
    gone.unlink()
    assert [list(hours.whole_lines(each)) for each in found] == [[b'{"_id":"1-0"}\n'], []]


def test_damaged(tmp_path: Path) -> None:
    """A compressed segment that cannot be read is named."""
    path = tmp_path / "errors/2026-11-23/10-n-1.jsonl.zst"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no zstd at all")
    [segment] = read.segments(tmp_path)
    with pytest.raises(ArchiveDamaged, match=r"10-n-1\.jsonl\.zst"):
        list(hours.whole_lines(segment))
