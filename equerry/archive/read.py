"""Reading the archive: which segments there are, and their lines, open or compressed."""

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

    A segment that is there both open and compressed (a kill in between) is returned once, open.
    """
    found: dict[str, Segment] = {}
    for suffix in (CLOSED, OPEN):
        for path in root.glob(f"{kind}/*/*{suffix}"):
            hour, _, consumer = path.name.removesuffix(suffix).partition("-")
            consumer = consumer.partition("+")[0]  # `+1`: the same, after it was closed once
            stem = str(path).removesuffix(suffix)
            found[stem] = Segment(path, path.parts[-3], path.parts[-2], hour, consumer)
    return [found[stem] for stem in sorted(found)]


def open_bytes(segment: Segment) -> IO[bytes]:
    """Open for reading from the start, decompressed."""
    raw = segment.path.open("rb")
    if not segment.closed:
        return raw
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
        if segment.path.stat().st_mtime_ns // 1_000_000 >= since_ms:
            found |= _among(wanted, project, whole_lines(segment), segment)
    return found


def _among(wanted: set[bytes], project: int, read: Iterable[bytes], segment: Segment) -> set[bytes]:
    """Return the wanted that are among the lines read; they are on the disk when it returns.

    Who wrote them may have died before its fsync: they are in the file, but a power cut would take
    them away again, and nobody will write them a second time.
    """
    # Each project's stream gives its own ids, and a consumer writes all projects' lines: the same
    # `_id` may be another project's.
    found = wanted.intersection(
        lines.stream_id(line) for line in read if lines.is_of(line, project)
    )
    if found:
        fsync(segment.path)
    return found


def _tail(segment: Segment) -> Iterator[bytes]:
    if segment.closed:
        yield from whole_lines(segment)
        return
    with segment.path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        if size > TAIL_BYTES:
            file.readline()  # the middle of a line
        yield from (line for line in file if line.endswith(b"\n"))
