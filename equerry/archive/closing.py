"""Closing past hours: compress a segment so that it stays readable, then remove what is too old."""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import zstandard

from equerry import clock
from equerry.archive import read
from equerry.archive.read import CLOSED, OPEN, Segment
from equerry.durable import fsync

DAY_MS = 86_400_000


class Removed(NamedTuple):
    """A segment that was removed, and why: `age` or `size`."""

    segment: Segment
    size_bytes: int
    reason: str


def close_past(root: Path, now_ms: int) -> list[Segment]:
    """Compress the segments of past hours that nobody writes. Returns those it closed."""
    this_hour = clock.hour(now_ms)
    closed = []
    for segment in read.segments(root):
        past = f"{segment.day}T{segment.hour}" < this_hour
        if past and not segment.closed and _close(segment):
            closed.append(segment)
    return closed


def _close(segment: Segment) -> bool:
    """Write `….jsonl.zst` whole under another name, rename it, remove the open one.

    Killed in between, both are there: the open one counts, and the next run does it again.
    Returns False where a drain has the segment open.
    """
    target = segment.path.with_name(segment.path.name.removesuffix(OPEN) + CLOSED)
    partial = target.with_name(f"{target.name}.partial")
    with segment.path.open("rb") as source:
        try:
            fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with partial.open("wb") as sink:
            zstandard.ZstdCompressor(level=3, write_checksum=True).copy_stream(source, sink)
            sink.flush()
            os.fsync(sink.fileno())
        partial.rename(target)
        fsync(target.parent)
        segment.path.unlink()
        fsync(target.parent)
    return True


def remove_old(root: Path, now_ms: int, *, retention_days: int, max_bytes: int) -> list[Removed]:
    """Remove closed segments beyond the retention or the byte limit (0: none), oldest first."""
    first_kept = clock.day(now_ms - retention_days * DAY_MS)
    closed = sorted(
        (segment for segment in read.segments(root) if segment.closed),
        key=lambda segment: (segment.day, segment.hour),
    )
    sizes = {segment.path: segment.path.stat().st_size for segment in closed}
    over = sum(sizes.values()) - max_bytes if max_bytes else 0
    removed = []
    for segment in closed:
        if segment.day < first_kept:
            reason = "age"
        elif over > 0:
            reason = "size"
        else:
            continue
        segment.path.unlink()
        over -= sizes[segment.path]
        removed.append(Removed(segment, sizes[segment.path], reason))
    _remove_empty(removed_from.segment.path.parent for removed_from in removed)
    return removed


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in set(folders):
        if not any(folder.iterdir()):
            folder.rmdir()
