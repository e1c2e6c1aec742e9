"""A collection's `.metadata.json`: options and indexes, as mongodump writes and mongorestore reads.

Canonical Extended JSON, version 2: each number keeps its type. Source: mongo-tools 100.18.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from bson import json_util

from equerry.errors import BackupError

NONE = msgspec.Raw(b"{}")
NO_INDEXES = msgspec.Raw(b"[]")


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. options, indexes: their exact bytes, in the server's order."""

    options: msgspec.Raw = NONE
    indexes: msgspec.Raw = NO_INDEXES
    uuid: str = ""
    collectionName: str = ""  # noqa: N815 - mongodump's name for it
    type: str = "collection"


def extended_json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> msgspec.Raw:
    """Return what the server told of a collection, as it stands in the file."""
    text = json_util.dumps(
        value, json_options=json_util.CANONICAL_JSON_OPTIONS, separators=(",", ":")
    )
    return msgspec.Raw(text.encode())


def encode(metadata: Metadata) -> bytes:
    """Return the file's bytes; options that are empty are left away, as mongodump does."""
    written = msgspec.json.encode(metadata)
    if bytes(metadata.options) == bytes(NONE):
        return written.replace(b'"options":{},', b"", 1)
    return written


def decode(data: bytes) -> Metadata:
    """Return what the bytes say. Raises BackupError."""
    try:
        return msgspec.json.decode(data, type=Metadata)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BackupError(f"no metadata: {error}") from error
