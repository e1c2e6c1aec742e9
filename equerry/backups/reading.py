"""Reads a collection's documents as the server sends them, without decoding them."""

from collections.abc import Iterator
from typing import Any

from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import InvalidName, OperationFailure

from equerry.backups import names
from equerry.backups.listing import Found
from equerry.backups.server import APP_NAME, Client

# A reply is held about three times while it is taken apart, by each of four readers.
BATCH_BYTES = 2 * 1024 * 1024
# Above this a batch may be far larger than that: such collections are read one at a time.
LARGE_DOCUMENT_BYTES = 512 * 1024
MAX_BATCH_DOCUMENTS = 20_000
# Where the server does not tell the average size.
DEFAULT_BATCH_DOCUMENTS = 500
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


def batch_documents(average_bytes: int) -> int:
    """Return how many documents to ask for at once."""
    if average_bytes <= 0:
        return DEFAULT_BATCH_DOCUMENTS
    return max(1, min(MAX_BATCH_DOCUMENTS, BATCH_BYTES // average_bytes))


def snapshot_time(client: Client, found: Found) -> Timestamp | str:
    """Return the moment that the server holds still from now on, or why it does not."""
    try:
        reply = client[found.db].command(
            "find",
            found.source,
            limit=1,
            singleBatch=True,
            projection={"_id": 1},
            readConcern={"level": "snapshot"},
            codec_options=_RAW,
        )
    except OperationFailure as error:
        return names.shown(f"the server refused a snapshot: {error}")
    cursor: Any = reply["cursor"]
    moment = cursor.get("atClusterTime", reply.get("atClusterTime"))
    return moment if isinstance(moment, Timestamp) else "the server told no moment of its snapshot"


def batches(client: Client, found: Found, moment: Timestamp | None) -> Iterator[bytes]:
    """Yield whole documents, many at once, in the server's order. Raises PyMongoError.

    moment: read as of then; None: as it is. It ends only where the server said that it was all.
    """
    size = batch_documents(found.average_bytes)
    if moment is None and _may_be_named(client, found):
        collection = client[found.db][found.source]
        yield from collection.find_raw_batches(batch_size=size, comment=APP_NAME)
        return
    yield from _by_command(client, found, moment, size)


def _may_be_named(client: Client, found: Found) -> bool:
    """Say whether pymongo takes the name: servers hold some that it refuses, such as `a..b`."""
    try:
        client[found.db][found.source]
    except InvalidName:
        return False
    return True


def _by_command(
    client: Client, found: Found, moment: Timestamp | None, size: int
) -> Iterator[bytes]:
    concern: dict[str, Any] = {}
    if moment is not None:
        concern = {"readConcern": {"level": "snapshot", "atClusterTime": moment}}
    # pymongo's snapshot sessions find their moment each for itself, and are one thread's; the
    # server takes the moment as an option of the command.
    # The command's options are those of the first batch only, the database's those of the others.
    cursor: Any = client.get_database(found.db, codec_options=_RAW).cursor_command(
        "find",
        found.source,
        batchSize=size,
        comment=APP_NAME,
        codec_options=_RAW,
        **concern,
    )
    cursor.batch_size(size)
    with cursor:
        held: list[bytes] = []
        held_bytes = 0
        for document in cursor:
            held.append(document.raw)
            held_bytes += len(document.raw)
            if held_bytes >= BATCH_BYTES:
                yield b"".join(held)
                held, held_bytes = [], 0
        if held:
            yield b"".join(held)
