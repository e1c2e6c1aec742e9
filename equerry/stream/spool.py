"""The spool: what the door keeps on disk while Redis is away, and how it gets back.

Each API process appends to a file of its own (`<slot>.spool`), fsynced before the 202. A replay
first renames it to `<slot>.replay`, so that the door can go on appending, and removes it once the
stream has taken every line. Killed in between, the replay starts over: the door's script knows the
ids, so nothing doubles. A last line that was torn by a kill was never answered with 202.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from equerry.durable import cut_torn_line, fsync, write_all
from equerry.errors import SpoolFull
from equerry.slots import Slots
from equerry.stream.entry import Entry

log = logging.getLogger(__name__)

REPLAY_BATCH = 200
# A raw envelope of 10 MiB, and what the door adds to each of at most 1,000 reports in it.
LARGEST_REQUEST_BYTES = 12 * 1024 * 1024


class Spooled(NamedTuple):
    """One line of the spool."""

    scope: str
    entry: Entry


def _encode(spooled: Spooled) -> bytes:
    entry = spooled.entry
    head = f"{spooled.scope} {entry.kind} {entry.id} {entry.received_ms} "
    return head.encode() + entry.data + b"\n"


def _decode(line: bytes) -> Spooled:
    scope, kind, id_, received_ms, data = line.rstrip(b"\n").split(b" ", 4)
    return Spooled(scope.decode(), Entry(b"", kind.decode(), id_.decode(), int(received_ms), data))


class Spool:
    """One process's spool in a folder that all API processes share. Safe among its threads."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._slots = Slots(folder)
        self._slot = self._slots.take()
        self._lock = threading.Lock()

    def bytes_used(self) -> int:
        """Bytes of all spool files in the folder, of every process."""
        return sum(_size(path) for path in self._files())

    def bytes_free(self) -> int:
        """Bytes that may still be appended."""
        return max(0, self._max_bytes - self.bytes_used())

    def has_room(self) -> bool:
        """Whether any request that the door takes could be kept: by the limit, and by the disk."""
        try:
            disk = os.statvfs(self._folder)
            free_bytes = min(self.bytes_free(), disk.f_bavail * disk.f_frsize)
        except OSError:
            return False
        return free_bytes > LARGEST_REQUEST_BYTES and os.access(self._folder, os.W_OK | os.X_OK)

    def append(self, spooled: Sequence[Spooled]) -> None:
        """Write and fsync all, or raise SpoolFull and keep none.

        SpoolFull is whatever the disk refuses with: no space, no folder, no descriptor left.
        """
        data = b"".join(map(_encode, spooled))
        with self._lock:
            try:
                if len(data) > self.bytes_free():
                    raise SpoolFull(
                        f"the spool holds {self._max_bytes} bytes (queue.spool_max_bytes)"
                    )
                self._append(data)
            except OSError as error:
                raise SpoolFull(f"the spool's disk refuses: {error.strerror}") from error

    def _append(self, data: bytes) -> None:
        path = self._path(self._slot, "spool")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            cut_torn_line(descriptor)
            size = os.fstat(descriptor).st_size
            try:
                write_all(descriptor, data)
                os.fsync(descriptor)
                if size == 0:
                    fsync(self._folder)
            except OSError:
                # Where even this fails, the next append cuts the line that was torn.
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)

    def replay(self, send: Callable[[str, Sequence[Entry]], None]) -> int:
        """Send every spooled entry in order, this process's and those of dead ones.

        send(scope, entries) returns once the stream has them; what it raises ends the replay, which
        a later call starts over. Returns the number of entries sent.
        """
        sent = 0
        for number in sorted({int(path.stem) for path in self._files()}):
            if number == self._slot:
                sent += self._replay(number, send)
                continue
            with self._slots.borrow(number) as abandoned:
                if abandoned:
                    sent += self._replay(number, send)
        return sent

    def _replay(self, number: int, send: Callable[[str, Sequence[Entry]], None]) -> int:
        sent = 0
        replay = self._path(number, "replay")
        while True:
            if not replay.exists():
                with self._lock:
                    try:
                        self._path(number, "spool").rename(replay)
                    except FileNotFoundError:
                        return sent
            for scope, entries in _batches(replay):
                send(scope, entries)
                sent += len(entries)
            # Only now: a replay that Redis interrupts reads the same lines again.
            _set_aside_damaged(replay)
            replay.unlink()

    def _files(self) -> list[Path]:
        return [*self._folder.glob("*.spool"), *self._folder.glob("*.replay")]

    def _path(self, number: int, kind: str) -> Path:
        return self._folder / f"{number}.{kind}"


def _batches(path: Path) -> Iterator[tuple[str, list[Entry]]]:
    """Yield runs of entries of one scope, in order, at most REPLAY_BATCH long."""
    scope = ""
    entries: list[Entry] = []
    for line in _whole_lines(path):
        try:
            spooled = _decode(line)
        except ValueError:
            continue
        if entries and (spooled.scope != scope or len(entries) == REPLAY_BATCH):
            yield scope, entries
            entries = []
        scope = spooled.scope
        entries.append(spooled.entry)
    if entries:
        yield scope, entries


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n"))


def _set_aside_damaged(path: Path) -> None:
    """Keep lines that the disk damaged where a person finds them.

    Killed before the file is removed, it is replayed, and they are kept, once more.
    """
    for line in _whole_lines(path):
        try:
            _decode(line)
        except ValueError:
            with path.with_name("damaged.lines").open("ab") as file:
                file.write(line)
            log.error("spool-line-damaged", extra={"file": path.name, "bytes": len(line)})  # noqa: TRY400, the line is the news


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # replayed in the meantime
        return 0
