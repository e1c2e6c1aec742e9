"""What is known of a backup since it was made: whether it was read back, and what was found.

A record lies beside the backup (`<name>.verified.json`), never in it, and counts only for the
manifest that it was made of. Limit: it is not signed. Who can write beside the backups can make the
list say `proven`; whatever restores reads the backup back itself.
"""

import hashlib
import os
from enum import StrEnum
from pathlib import Path

import msgspec

from equerry import clock
from equerry.backups import place, regular_file
from equerry.durable import fsync, write_all

VERIFIED = "verified"
MAX_BYTES = 16 * 1024 * 1024


class What(StrEnum):
    """What is wrong with a backup."""

    MANIFEST = "manifest"
    SIGNATURE = "signature"
    NAME = "name"
    MISSING = "missing"
    EXTRA = "extra"
    NO_FILE = "no-file"
    UNREADABLE = "unreadable"
    SIZE = "size"
    HASH = "hash"
    SWAPPED = "swapped"
    GZIP = "gzip"
    DOCUMENT = "document"
    COUNT = "count"
    CONTENT = "content"
    METADATA = "metadata"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a backup. path: of the file, relative; says: in words."""

    path: str
    what: What
    says: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A backup was read back. at: RFC 3339; read: whether the files' content could be looked into.

    manifest_sha256: of the manifest that was held against the files.
    """

    manifest_sha256: str
    at: str
    seconds: float
    bytes: int
    documents: int
    read: bool
    faults: tuple[Fault, ...]


def write(backup: Path, record: Verified) -> None:
    """Keep a record, whole or not at all. Raises OSError."""
    path = place.record(backup, VERIFIED)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, msgspec.json.encode(record))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.rename(path)
    fsync(path.parent)


def read(backup: Path, manifest: bytes) -> Verified | None:
    """Return the record, or None where there is none of this manifest."""
    try:
        with regular_file.opened(place.record(backup, VERIFIED)) as file:
            record = msgspec.json.decode(file.read(MAX_BYTES), type=Verified)
        clock.parse_ms(record.at)
    except (OSError, msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None
    return record if record.manifest_sha256 == hashlib.sha256(manifest).hexdigest() else None
