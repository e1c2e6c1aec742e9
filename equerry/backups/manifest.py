"""What a backup says of itself: `manifest.json`, beside the dump.

Its exact bytes are signed (`manifest.json.sig`), and it names every other file of the backup by
size and SHA-256: whoever trusts the signature can tell whether anything was changed, is missing or
does not belong there.
"""

from enum import StrEnum
from pathlib import Path

import msgspec

from equerry import clock
from equerry.backups import names, regular_file
from equerry.errors import BackupError

FILE = "manifest.json"
SIGNATURE_FILE = "manifest.json.sig"
# What a newer Equerry writes differently is refused by its number, not half understood.
VERSION = 1
# A line for each collection and file: 100,000 collections take about 100 MB.
MAX_BYTES = 256 * 1024 * 1024


class Engine(StrEnum):
    """What made the dump."""

    EQUERRY = "equerry"
    MONGODUMP = "mongodump"


class Consistency(StrEnum):
    """Which moment of the database the backup is.

    snapshot: one moment, in all collections. none: each collection as it was while it was read;
    writes meanwhile may be in or not.
    """

    SNAPSHOT = "snapshot"
    NONE = "none"


class Kind(StrEnum):
    """What a name in a database stands for, as listCollections says it."""

    COLLECTION = "collection"
    VIEW = "view"
    TIME_SERIES = "timeseries"


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of the backup. path: relative, with `/`. bytes, sha256: of the file as it lies there.

    documents: those in it, for a file of documents; 0 for any other. plain_bytes, plain_sha256: of
    what an encrypted file holds; empty where it is not encrypted.
    """

    path: str
    bytes: int
    sha256: str
    documents: int = 0
    plain_bytes: int = 0
    plain_sha256: str = ""


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """A collection, view or time series with what is needed to see that it is whole.

    uuid: hex without dashes, empty where the server told none.
    documents, bytes: what was read, as BSON; a time series' are its buckets.
    options, indexes: canonical Extended JSON, byte for byte as in the metadata file.
    data, metadata: paths of its files; a view has no data, `admin.system.*` may have no metadata.
    content: `documents.Content` of all documents, in whatever order they are read; "" for a view.
    """

    db: str
    name: str
    kind: Kind
    uuid: str
    documents: int
    bytes: int
    options: msgspec.Raw
    indexes: msgspec.Raw
    data: str
    metadata: str
    content: str

    @property
    def namespace(self) -> str:
        """Its full name, `db.name`."""
        return f"{self.db}.{self.name}"


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """What is not in the backup. name: of the collection; empty for a whole database."""

    db: str
    name: str = ""
    why: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What another client did to a collection's shape while it was dumped."""

    db: str
    name: str
    what: str


class Encryption(msgspec.Struct, frozen=True, kw_only=True):
    """How the files were encrypted. recipients: the public keys that they can be read with."""

    format: str
    recipients: tuple[str, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole.

    name: of the backup's folder. whole: all that the settings do not exclude was asked for.
    created_at, finished_at: RFC 3339. operation_time: the replica set's (seconds, increment) when
    the dump began, from which an oplog continues it; None where the server has no oplog.
    consistency_note: why it is not better, or which collections are not of that moment.
    server: its hosts, without a password. tool_version: Equerry's. made_on: this machine's name.
    left_out: what is not in it, with the reason. changed: see `Changed`.
    """

    version: int = VERSION
    name: str
    whole: bool
    created_at: str
    finished_at: str
    server: str
    server_version: str
    engine: Engine
    engine_version: str
    tool_version: str
    made_on: str
    consistency: Consistency
    consistency_note: str = ""
    operation_time: tuple[int, int] | None = None
    encryption: Encryption | None = None
    databases: tuple[str, ...]
    collections: tuple[Collection, ...]
    files: tuple[File, ...]
    left_out: tuple[LeftOut, ...] = ()
    changed: tuple[Changed, ...] = ()

    @property
    def documents(self) -> int:
        """The documents of all collections."""
        return sum(each.documents for each in self.collections)

    @property
    def plain_bytes(self) -> int:
        """The collections' BSON, before it was compressed."""
        return sum(each.bytes for each in self.collections)

    @property
    def stored_bytes(self) -> int:
        """What the files take on the disk."""
        return sum(each.bytes for each in self.files)


class _Version(msgspec.Struct):
    version: int


def encode(manifest: Manifest) -> bytes:
    """Return the bytes that are written and signed."""
    return msgspec.json.encode(manifest)


def decode(data: bytes, where: Path) -> Manifest:
    """Return the manifest of these bytes.

    Raises BackupError, which names `where`, for a newer version, for what is no manifest, for times
    that are none, and for paths that leave the backup.
    """
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version != VERSION:
            raise BackupError(
                f"{where}: version {version}; this Equerry reads version {VERSION}."
                " Read it with the Equerry that wrote it, or a newer one."
            )
        manifest = msgspec.json.decode(data, type=Manifest)
        for time in (manifest.created_at, manifest.finished_at):
            clock.parse_ms(time)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise BackupError(f"{where}: this is no manifest of a backup: {error}") from error
    named = [each.path for each in manifest.files]
    for path in (*named, *(path for each in manifest.collections for path in paths(each))):
        if not names.is_inside(path):
            raise BackupError(f"{where}: names a file outside of the backup: {path!r}")
    if len(set(named)) < len(named):
        raise BackupError(f"{where}: names a file twice")
    return manifest


def paths(collection: Collection) -> tuple[str, ...]:
    """Return the paths of a collection's files."""
    return tuple(path for path in (collection.data, collection.metadata) if path)


def read_bytes(folder: Path) -> bytes:
    """Return the manifest's bytes as they lie there. Raises BackupError."""
    path = folder / FILE
    try:
        with regular_file.opened(path) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise BackupError(f"{path}: no such file: {folder.name} is no backup") from error
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise BackupError(f"{path}: larger than {MAX_BYTES:,} bytes: this is no manifest")
    return data


def read(folder: Path) -> Manifest:
    """Return the manifest of a backup's folder; its signature is `signature.py`'s. BackupError."""
    return decode(read_bytes(folder), folder / FILE)
