"""Joins a bundle's chunks and keeps its files for each project that it is for."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from equerry.errors import SourceMapsRefused
from equerry.settings import SourceMaps
from equerry.source_maps import bundle, index
from equerry.source_maps.chunks import Chunks
from equerry.source_maps.store import FOLDER, Store, Upload

CHECKSUM = re.compile(r"[0-9a-f]{40}")


class Assembled(msgspec.Struct, frozen=True):
    """What became of it. missing: chunks that are to be sent first; then nothing was done."""

    missing: tuple[str, ...] = ()
    files: int = 0
    was_known: bool = False


class Assembly(msgspec.Struct, frozen=True):
    """A bundle to join. checksum: its SHA-1. release, dist: before those of its manifest."""

    checksum: str
    chunks: tuple[str, ...]
    release: str = ""
    dist: str = ""


def chunks(data: Path, limits: SourceMaps) -> Chunks:
    """Return the chunks that wait in the data directory."""
    return Chunks(data / FOLDER, 2 * limits.max_bundle_bytes)


def assemble(
    data: Path, projects: Sequence[int], wanted: Assembly, limits: SourceMaps, now_ms: int
) -> Assembled:
    """Join and keep it, all or nothing for each project. Raises SourceMapsRefused, OSError."""
    if not CHECKSUM.fullmatch(wanted.checksum):
        raise SourceMapsRefused("checksum: takes a SHA-1 in hex")
    release = bundle.checked(wanted.release, "version")
    dist = bundle.checked(wanted.dist, "dist")
    stores = [Store(data / FOLDER, project) for project in projects]
    waiting = chunks(data, limits)
    with waiting.alone():
        if all(_has(store, wanted.checksum, release, dist) for store in stores):
            return Assembled(was_known=True)
        missing = waiting.missing(wanted.chunks)
        if missing or not wanted.chunks:
            return Assembled(missing=tuple(missing))
        with (
            waiting.joined(wanted.chunks, wanted.checksum, limits.max_bundle_bytes) as path,
            bundle.opened(path) as opened,
        ):
            upload = Upload(release or opened.release, dist or opened.dist, now_ms, wanted.checksum)
            for store in stores:
                store.add(opened.files, upload, limits)
        waiting.remove(wanted.chunks)
    return Assembled(files=len(opened.files))


def _has(store: Store, checksum: str, release: str, dist: str) -> bool:
    if not store.index_path.exists():
        return False
    with index.connected(store.index_path) as connection:
        return index.has_checksum(connection, checksum, release, dist)
