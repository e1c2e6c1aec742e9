"""The names that mongodump gives to files: from a collection's name, and back.

Source: mongo-tools 100.18. A database's folder has its name as it is, a collection's is quoted.
"""

import base64
import hashlib
from urllib.parse import quote_plus, unquote_plus

from equerry.errors import BackupError

DATA = ".bson"
METADATA = ".metadata.json"
GZIP = ".gz"
BUCKETS = "system.buckets."

# With `.metadata.json.gz` behind it a name of 238 bytes has 255, which is what file systems take.
MAX_STEM_BYTES = 238
MAX_SHOWN_CHARS = 300
_CUT_BYTES = 208
_MARK = "%24"
_HASH_CHARS = 27


def stem(collection: str) -> str:
    """Return a collection's file name without what stands behind the name."""
    quoted = quote_plus(collection, safe="")
    if len(quoted) <= MAX_STEM_BYTES:
        return quoted
    digest = hashlib.sha1(collection.encode(), usedforsecurity=False).digest()
    return quoted[:_CUT_BYTES] + _MARK + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def collection(name: str) -> str | None:
    """Return the collection of a stem; None where it was cut: the metadata then has its name."""
    cut_at = len(name) - _HASH_CHARS - len(_MARK)
    if cut_at == _CUT_BYTES and name.startswith(_MARK, cut_at):
        return None
    return unquote_plus(name)


def folder(database: str) -> str:
    """Return a database's folder. Raises BackupError where its name is no name of a folder.

    MongoDB refuses such names itself; whoever answers in its place may not.
    """
    if database in {"", ".", ".."} or not database.isprintable() or "/" in database:
        raise BackupError(
            f"the server lists a database named {shown(database)!r}: no folder can have it"
        )
    return database


def data(database: str, collection: str, *, gzip: bool = True) -> str:
    """Return where the documents lie, relative to the backup."""
    return f"{folder(database)}/{stem(collection)}{DATA}{GZIP if gzip else ''}"


def metadata(database: str, collection: str, *, gzip: bool = True) -> str:
    """Return where options and indexes lie, relative to the backup."""
    return f"{folder(database)}/{stem(collection)}{METADATA}{GZIP if gzip else ''}"


def is_inside(path: str) -> bool:
    """Say whether a path of a manifest stays in its backup."""
    parts = path.split("/")
    return bool(path) and "\0" not in path and not {"", ".", ".."} & set(parts)


def shown(text: str) -> str:
    """Return a name or a server's words as they stand in a message: one line, bounded."""
    plain = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return plain if len(plain) <= MAX_SHOWN_CHARS else plain[: MAX_SHOWN_CHARS - 1] + "…"
