"""Reading the archive: which segments there are, and their lines, open or compressed."""

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from equerry.archive import line as lines
from equerry.durable import fsync

OPEN = ".jsonl"
CLOSED = ".jsonl.zst"

# What an uncommitted batch can at most have written; the drain commits in slices well below it.
TAIL_BYTES = 64 * 1024 * 1024


class Segment(NamedTuple):
    """One file of the archive. day is `YYYY-MM-DD`, hour `HH` (both UTC, when it was written)."""

    path: Path
    kind: str
    day: str
    hour: str
    consumer: str

    @property
    def closed(self) -> bool:
        """Whether it is compressed and will not change."""
        return self.path.name.endswith(CLOSED)


def segments(root: Path, kind: str = "*") -> list[Segment]:
    """Return the segments in order of kind and time.

    A segment that is there both open and compressed (a kill in between) is returned once, open
    unless a writer that came too late just made it, empty.
    One that is closed meanwhile is returned too, perhaps as open: `open_bytes` finds it.
    """
    found: dict[str, Segment] = {}
    # Open ones first: what is closed between the two is seen twice and not missed.
    for suffix in (OPEN, CLOSED):
        for path in root.glob(f"{kind}/*/*{suffix}"):
            hour, _, consumer = path.name.removesuffix(suffix).partition("-")
            consumer = consumer.partition("+")[0]  # `+1`: the same, after it was closed once
            stem = str(path).removesuffix(suffix)
            if stem not in found or _size(found[stem].path) == 0:
                found[stem] = Segment(path, path.parts[-3], path.parts[-2], hour, consumer)
    return [found[stem] for stem in sorted(found)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # closed meanwhile
        return 0


def while_open(segment: Segment) -> Segment:
    """Return the segment as it is called while it is written."""
    return _named(segment, OPEN)


def when_closed(segment: Segment) -> Segment:
    """Return the segment as it is called once it is compressed."""
    return _named(segment, CLOSED)


def _named(segment: Segment, suffix: str) -> Segment:
    stem = segment.path.name.removesuffix(CLOSED).removesuffix(OPEN)
    return segment._replace(path=segment.path.with_name(stem + suffix))


def open_bytes(segment: Segment) -> IO[bytes]:
    """Open for reading from the start, decompressed; also where it was closed meanwhile.

    Raises FileNotFoundError where retention has removed it.
    """
    if not segment.closed:
        with contextlib.suppress(FileNotFoundError):
            return segment.path.open("rb")
    raw = when_closed(segment).path.open("rb")
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, closefd=True))


def whole_lines(segment: Segment) -> Iterator[bytes]:
    """Yield the lines with their newline; a last line without one is not there yet."""
    with open_bytes(segment) as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line


def written(root: Path, consumer: str, project: int, wanted: set[bytes]) -> set[bytes]:
    """Return which of the project's wanted `_id`s stand at the end of this consumer's segments.

    That is enough for a consumer that has appended nothing since: the two newest of each kind are
    read, no more than TAIL_BYTES each.
    """
    newest: dict[str, list[Segment]] = {}
    for segment in segments(root):
        if segment.consumer == consumer:
            newest.setdefault(segment.kind, []).append(segment)
    found: set[bytes] = set()
    for of_kind in newest.values():
        for segment in of_kind[-2:]:
            found |= _among(wanted, project, _tail(segment), segment)
    return found


def written_since(root: Path, since_ms: int, project: int, wanted: set[bytes]) -> set[bytes]:
    """Return which of the project's wanted `_id`s stand in a segment changed since then."""
    found: set[bytes] = set()
    for segment in segments(root):
        if _changed_ms(segment) >= since_ms:
            found |= _among(wanted, project, whole_lines(segment), segment)
    return found


def _among(wanted: set[bytes], project: int, read: Iterable[bytes], segment: Segment) -> set[bytes]:
    """Return the wanted that are among the lines read; they are on the disk when it returns.

    Who wrote them may have died before its fsync: they are in the file, but a power cut would take
    them away again, and nobody will write them a second time.
    """
    # Each project's stream gives its own ids, and a consumer writes all projects' lines: the same
    # `_id` may be another project's.
    found: set[bytes] = set()
    with contextlib.suppress(FileNotFoundError):  # removed by retention: nothing stands there
        found = wanted.intersection(
            lines.stream_id(line) for line in read if lines.is_of(line, project)
        )
    if found:
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile: fsynced before its rename
            fsync(segment.path)
    return found


def _changed_ms(segment: Segment) -> int:
    """Return when the segment last changed, epoch milliseconds; 0 where it was removed."""
    for path in (segment.path, when_closed(segment).path):
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_mtime_ns // 1_000_000
    return 0


def _tail(segment: Segment) -> Iterator[bytes]:
    if segment.closed:
        yield from whole_lines(segment)
        return
    try:
        file = segment.path.open("rb")
    except FileNotFoundError:  # closed meanwhile
        yield from whole_lines(when_closed(segment))
        return
    with file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        if size > TAIL_BYTES:
            file.readline()  # the middle of a line
        yield from (line for line in file if line.endswith(b"\n"))
