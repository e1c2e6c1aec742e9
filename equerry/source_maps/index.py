"""What is kept of a project, by debug id and by release and URL: one SQLite file per project.

SQLite's own transactions are what makes an upload appear whole or not at all.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from equerry.source_maps.artefact import Artefact, Kind

BUSY_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS bundle (
    id INTEGER PRIMARY KEY, release TEXT NOT NULL, dist TEXT NOT NULL, digest TEXT NOT NULL,
    checksum TEXT NOT NULL, uploaded_ms INTEGER NOT NULL, UNIQUE (release, dist, digest));
CREATE TABLE IF NOT EXISTS artefact (
    bundle INTEGER NOT NULL REFERENCES bundle (id) ON DELETE CASCADE, url TEXT NOT NULL,
    kind TEXT NOT NULL, digest TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    debug_id TEXT NOT NULL, mapped_by TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS artefact_debug_id ON artefact (debug_id, kind) WHERE debug_id <> '';
CREATE INDEX IF NOT EXISTS artefact_url ON artefact (url);
CREATE INDEX IF NOT EXISTS artefact_bundle ON artefact (bundle);
CREATE INDEX IF NOT EXISTS artefact_digest ON artefact (digest);
CREATE INDEX IF NOT EXISTS bundle_checksum ON bundle (checksum);
"""
_COLUMNS = "a.url, a.kind, a.digest, a.size_bytes, a.debug_id, a.mapped_by"


class Kept(msgspec.Struct, frozen=True):
    """An upload as it is kept. checksum: SHA-1 of the bundle that it came in, or empty."""

    id: int
    release: str
    dist: str
    uploaded_ms: int
    files: int
    size_bytes: int
    debug_ids: int


@contextlib.contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a project's index for writing, made if need be. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(_SCHEMA)
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of what follows, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def put(
    connection: sqlite3.Connection, bundle: tuple[str, str, str, str, int], rows: Iterable[Artefact]
) -> None:
    """Write a bundle (release, dist, digest, checksum, uploaded_ms) with its files.

    The same bundle for the same release again is only as young as its last upload.
    """
    again = connection.execute(
        "UPDATE bundle SET checksum = ?4, uploaded_ms = ?5"
        " WHERE release = ?1 AND dist = ?2 AND digest = ?3",
        bundle,
    )
    if again.rowcount:
        return
    made = connection.execute(
        "INSERT INTO bundle (release, dist, digest, checksum, uploaded_ms) VALUES (?, ?, ?, ?, ?)",
        bundle,
    )
    connection.executemany(
        "INSERT INTO artefact VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (made.lastrowid, row.url, row.kind, row.digest, row.size_bytes, row.debug_id,
             row.mapped_by)
            for row in rows
        ),
    )  # fmt: skip


def size_bytes(connection: sqlite3.Connection) -> int:
    """Return how much the project keeps; a file that stands in several uploads counts once."""
    [(total,)] = connection.execute(
        "SELECT coalesce(sum(size_bytes), 0) FROM"
        " (SELECT max(size_bytes) AS size_bytes FROM artefact GROUP BY digest)"
    )
    return int(total)


def has_checksum(connection: sqlite3.Connection, checksum: str, release: str, dist: str) -> bool:
    """Whether a bundle of this SHA-1 was taken for this release already."""
    found = connection.execute(
        "SELECT 1 FROM bundle WHERE checksum = ? AND release = ? AND dist = ?",
        (checksum, release, dist),
    )
    return found.fetchone() is not None


def by_debug_id(connection: sqlite3.Connection, debug_id: str) -> dict[Kind, Artefact]:
    """Return the newest file of each kind that bears the debug id."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM artefact a JOIN bundle b ON b.id = a.bundle"  # noqa: S608
        " WHERE a.debug_id = ? ORDER BY b.uploaded_ms, b.id",
        (debug_id,),
    )
    return {row.kind: row for row in map(_artefact, rows)}


def by_url(
    connection: sqlite3.Connection, release: str, dist: str, urls: Sequence[str]
) -> Artefact | None:
    """Return the newest file of the release with the first of these URLs that there is.

    An upload without a dist serves every dist, where that dist's own has not the file.
    """
    for url in urls:
        found = connection.execute(
            f"SELECT {_COLUMNS} FROM artefact a JOIN bundle b ON b.id = a.bundle"  # noqa: S608
            " WHERE a.url = ? AND b.release = ? AND b.dist IN (?, '')"
            " ORDER BY b.dist DESC, b.uploaded_ms DESC, b.id DESC LIMIT 1",
            (url, release, dist),
        ).fetchone()
        if found:
            return _artefact(found)
    return None


def has_release(connection: sqlite3.Connection, release: str) -> bool:
    """Whether anything was uploaded for the release."""
    found = connection.execute("SELECT 1 FROM bundle WHERE release = ? LIMIT 1", (release,))
    return found.fetchone() is not None


def uploads(connection: sqlite3.Connection) -> list[Kept]:
    """Return every upload, the newest first."""
    rows = connection.execute(
        "SELECT b.id, b.release, b.dist, b.uploaded_ms, count(a.url),"
        " coalesce(sum(a.size_bytes), 0), count(DISTINCT nullif(a.debug_id, ''))"
        " FROM bundle b LEFT JOIN artefact a ON a.bundle = b.id"
        " GROUP BY b.id ORDER BY b.uploaded_ms DESC, b.id DESC"
    )
    return [Kept(*row) for row in rows]


def files(connection: sqlite3.Connection, bundle: int) -> list[Artefact]:
    """Return an upload's files."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM artefact a WHERE a.bundle = ? ORDER BY a.url",  # noqa: S608
        (bundle,),
    )
    return [_artefact(row) for row in rows]


def remove(connection: sqlite3.Connection, bundles: Iterable[int]) -> None:
    """Forget uploads; their files' bytes are another matter."""
    connection.executemany("DELETE FROM bundle WHERE id = ?", ((each,) for each in bundles))


def digests(connection: sqlite3.Connection) -> set[str]:
    """Return the digests of all files that some upload has."""
    return {digest for (digest,) in connection.execute("SELECT DISTINCT digest FROM artefact")}


def _artefact(row: tuple[str, str, str, int, str, str]) -> Artefact:
    url, kind, digest, size, debug_id, mapped_by = row
    return Artefact(url, Kind(kind), digest, size, debug_id, mapped_by)
