"""A project's artefacts on disk: bytes by their SHA-256, and the index that finds them.

Every name in the folder is made here, from a project's number or a digest. A file's bytes are
durable before the index speaks of them, so a kill leaves at most bytes that nobody knows; the
retention job removes those.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from equerry.durable import fsync, write_all
from equerry.errors import SourceMapsRefused
from equerry.settings import SourceMaps
from equerry.source_maps import artefact, index
from equerry.source_maps.artefact import TAIL_BYTES, Artefact, Incoming, Kind
from equerry.source_maps.bundle import translated

FOLDER = "source-maps"
STEP_BYTES = 256 * 1024


class Upload(NamedTuple):
    """What an upload is for. checksum: SHA-1 of the bundle that it came in, or empty."""

    release: str
    dist: str
    now_ms: int
    checksum: str = ""


class Store:
    """One project's. root: the data directory's `source-maps`."""

    def __init__(self, root: Path, project_id: int) -> None:
        self.folder = root / str(int(project_id))
        self.index_path = self.folder / "index.sqlite"

    def file(self, digest: str) -> Path:
        """Return where the bytes of this digest are."""
        return self.folder / "files" / digest[:2] / digest

    def add(
        self, incoming: Iterable[Incoming], upload: Upload, limits: SourceMaps
    ) -> list[Artefact]:
        """Keep the files as one upload, all or none. Raises SourceMapsRefused, OSError."""
        self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.folder, self.folder / "files"):
            folder.mkdir(exist_ok=True, mode=0o700)
        with self.held(fcntl.LOCK_SH), _refusing():
            rows = self._keep(incoming, limits)
            if not any(row.kind in {Kind.MINIFIED, Kind.MAP} for row in rows):
                raise SourceMapsRefused("there is no script and no source map in it")
            if not upload.release and not any(row.debug_id for row in rows):
                raise SourceMapsRefused(
                    "it has no debug ids, so a release is needed to find it again"
                )
            with index.connected(self.index_path) as connection:
                with index.transaction(connection):
                    bundle = (upload.release, upload.dist, _digest(rows), upload.checksum)
                    index.put(connection, (*bundle, upload.now_ms), rows)
                    total = index.size_bytes(connection)
                    if total > limits.max_bytes:
                        raise SourceMapsRefused(
                            f"the project's source maps would take {total:,} bytes;"
                            f" source_maps.max_bytes allows {limits.max_bytes:,}"
                        )
                fsync(self.folder)
        return rows

    @contextlib.contextmanager
    def held(self, how: int) -> Iterator[None]:
        """Hold the folder: uploads share it (LOCK_SH), what removes files is alone (LOCK_EX)."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _keep(self, incoming: Iterable[Incoming], limits: SourceMaps) -> list[Artefact]:
        rows: list[Artefact] = []
        total = 0
        for each in incoming:
            row = self._write(each, min(limits.max_file_bytes, limits.max_bundle_bytes - total))
            total += row.size_bytes
            rows.append(row)
        return rows

    def _write(self, incoming: Incoming, room_bytes: int) -> Artefact:
        """Write one file's bytes, counted as they come; raises SourceMapsRefused beyond room."""
        fresh = self.folder / f"new-{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        digest, size, head, tail = hashlib.sha256(), 0, b"", b""
        try:
            with translated(), incoming.open() as source:
                while part := source.read(STEP_BYTES):
                    size += len(part)
                    if size > room_bytes:
                        raise SourceMapsRefused(
                            f"{incoming.url[:200]} is larger than is left of"
                            " source_maps.max_file_bytes and max_bundle_bytes"
                        )
                    digest.update(part)
                    write_all(descriptor, part)
                    head, tail = head or part, (tail + part)[-TAIL_BYTES * 4 :]
            os.fsync(descriptor)
            self._place(fresh, digest.hexdigest())
        finally:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)
        return _row(incoming, digest.hexdigest(), size, head + tail)

    def _place(self, fresh: Path, digest: str) -> None:
        path = self.file(digest)
        if not path.parent.exists():
            path.parent.mkdir(exist_ok=True, mode=0o700)
            fsync(path.parent.parent)
        fresh.rename(path)  # over the same bytes, if they are there
        fsync(path.parent)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise SourceMapsRefused(f"the index of source maps cannot be written: {error}") from error


def _row(incoming: Incoming, digest: str, size: int, ends: bytes) -> Artefact:
    """Return the file's row; what the upload does not say of it, the file itself may."""
    debug_id, mapped_by = incoming.debug_id, incoming.mapped_by
    if incoming.kind is Kind.MINIFIED:
        debug_id = debug_id or artefact.noted_debug_id(ends)
        mapped_by = mapped_by or artefact.noted_map(ends)
    elif incoming.kind is Kind.MAP:
        debug_id = debug_id or artefact.map_debug_id(ends)
    if mapped_by.startswith("data:"):
        mapped_by = "data:"
    return Artefact(incoming.url, incoming.kind, digest, size, debug_id, mapped_by)


def _digest(rows: Iterable[Artefact]) -> str:
    lines = sorted(f"{row.url}\0{row.kind}\0{row.digest}\0{row.debug_id}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
