"""Removes uploads that nobody needed for long, and bytes that no upload has."""

import fcntl
from pathlib import Path
from typing import NamedTuple

from equerry.clock import DAY_MS
from equerry.source_maps import index
from equerry.source_maps.store import FOLDER, Store


class Expired(NamedTuple):
    """What was removed."""

    uploads: int = 0
    files: int = 0


def expire(data: Path, project_id: int, now_ms: int, unused_days: int) -> Expired:
    """Remove a project's uploads that are old and resolved nothing for so many days.

    A file's own time tells when it was last of use (`maps.py` sets it, once a day). Raises
    sqlite3.Error where the index cannot be read; then nothing is removed.
    """
    store = Store(data / FOLDER, project_id)
    if not store.index_path.exists():
        return Expired()
    before_ms = now_ms - unused_days * DAY_MS
    with store.held(fcntl.LOCK_EX), index.connected(store.index_path) as connection:
        old = [
            each.id
            for each in index.uploads(connection)
            if each.uploaded_ms < before_ms
            and all(
                _used_ms(store, row.digest) < before_ms for row in index.files(connection, each.id)
            )
        ]
        with index.transaction(connection):
            index.remove(connection, old)
        return Expired(len(old), _sweep(store, index.digests(connection)))


def _used_ms(store: Store, digest: str) -> float:
    try:
        return store.file(digest).stat().st_mtime * 1000
    except FileNotFoundError:
        return 0.0


def _sweep(store: Store, known: set[str]) -> int:
    """Remove files that no upload has: the store is held, so a kill or a refusal left them."""
    removed = 0
    for path in (*store.folder.glob("files/*/*"), *store.folder.glob("new-*")):
        if path.name not in known:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
