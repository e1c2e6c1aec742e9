"""Closing past hours: compress a segment so that it stays readable, then remove what is too old."""

import fcntl
import io
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from equerry import clock
from equerry.archive import read
from equerry.archive.read import Segment
from equerry.clock import DAY_MS
from equerry.durable import fsync
from equerry.events.event import ISSUES

log = logging.getLogger(__name__)

JOURNAL_TIMES = 10
BLOCK_BYTES = 1024 * 1024


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
        still_open = read.while_open(segment)  # an empty one may stand beside a compressed one
        if past and still_open.path.exists() and _close(still_open):
            closed.append(still_open)
    return closed


def _close(segment: Segment) -> bool:
    """Write `….jsonl.zst` whole under another name, rename it, remove the open one.

    Killed in between, both are there: the open one counts, and the next run does it again. A
    compressed one that holds other lines is never lost: the open one's are put behind them.
    Returns False where a drain has the segment open, or where it cannot be told what is in both.
    """
    target = read.when_closed(segment).path
    partial = target.with_name(f"{target.name}.partial")
    try:
        source = segment.path.open("rb")
    except FileNotFoundError:  # another retention was faster
        return False
    with source:
        try:
            fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(source.fileno()).st_nlink == 0:
            return False
        try:
            with partial.open("wb") as sink:
                _compress(target, source, sink)
                sink.flush()
                os.fsync(sink.fileno())
        except zstandard.ZstdError as error:
            log.error("segment-damaged", extra={"file": str(target), "error": str(error)})  # noqa: TRY400, zstd's own trace says nothing
            partial.unlink()
            return False
        partial.rename(target)
        fsync(target.parent)
        segment.path.unlink()
        fsync(target.parent)
    return True


def _compress(target: Path, source: IO[bytes], sink: IO[bytes]) -> None:
    """Compress the source, behind what an existing target holds and the source does not begin with.

    Raises ZstdError where the target cannot be read.
    """
    with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(
        sink, closefd=False
    ) as writer:
        if target.exists() and not _begins_with(source, target):
            with _decompressed(target) as earlier:
                shutil.copyfileobj(earlier, writer)
        source.seek(0)
        shutil.copyfileobj(source, writer)


def _begins_with(source: IO[bytes], target: Path) -> bool:
    with _decompressed(target) as earlier:
        while block := earlier.read(BLOCK_BYTES):
            if source.read(len(block)) != block:
                return False
    return True


def _decompressed(path: Path) -> IO[bytes]:
    return io.BufferedReader(
        zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True)
    )


def remove_old(root: Path, now_ms: int, *, retention_days: int, max_bytes: int) -> list[Removed]:
    """Remove closed segments beyond the retention or the byte limit (0: none), oldest first.

    The issues' journal is small, and the numbers and states of living issues hang on it: it is kept
    JOURNAL_TIMES as long, whatever the limit.
    """
    first_kept = {
        kind: clock.day(now_ms - retention_days * times * DAY_MS)
        for kind, times in {"": 1, ISSUES: JOURNAL_TIMES}.items()
    }
    closed = sorted(
        (segment for segment in read.segments(root) if segment.closed),
        key=lambda segment: (segment.day, segment.hour),
    )
    sizes = {segment.path: segment.path.stat().st_size for segment in closed}
    over = sum(sizes.values()) - max_bytes if max_bytes else 0
    removed = []
    for segment in closed:
        if segment.day < first_kept.get(segment.kind, first_kept[""]):
            reason = "age"
        elif over > 0 and segment.kind != ISSUES:
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
