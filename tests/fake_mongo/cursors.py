"""Cursors: what a find or an aggregate has not given yet."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bson import Int64, Timestamp
from bson.raw_bson import RawBSONDocument
from fake_mongo.errors import CommandFailed
from fake_mongo.store import Collection, Store

FIRST_BATCH = 101
REPLY_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class Cursor:
    """One open cursor; `tailing` waits for more instead of ending."""

    id: int
    namespace: str
    documents: Iterator[bytes]
    collection: Collection | None = None
    tailing: bool = False
    at_time: Timestamp | None = None
    batches: int = 0
    held: list[bytes] = field(default_factory=list)

    def batch(self, size: int | None) -> list[bytes]:
        """Return the next documents: `size` of them at most, and no more than a reply takes."""
        taken: list[bytes] = []
        taken_bytes = 0
        while size is None or len(taken) < size:
            raw = self.held.pop() if self.held else next(self.documents, None)
            if raw is None:
                break
            if taken and taken_bytes + len(raw) > REPLY_BYTES:
                self.held.append(raw)
                break
            taken.append(raw)
            taken_bytes += len(raw)
        self.batches += 1
        return taken

    def ended(self) -> bool:
        """Say whether nothing is left; looks one document ahead."""
        if self.tailing:
            return False
        if not self.held:
            raw = next(self.documents, None)
            if raw is None:
                return True
            self.held.append(raw)
        return False


class Cursors:
    """The open cursors of a server."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers = itertools.count(7_000_000_000_000_001)
        self.open: dict[int, Cursor] = {}

    def first(self, namespace: str, documents: Iterator[bytes], **more: Any) -> dict[str, Any]:
        """Open a cursor and return the reply with its first batch. more: size, single, Cursor's."""
        size, single = more.pop("size", None), more.pop("single", False)
        cursor = Cursor(next(self._numbers), namespace, documents, **more)
        taken = cursor.batch(FIRST_BATCH if size is None else size)
        if not single and not cursor.ended():
            self.open[cursor.id] = cursor
        return self._answer(cursor, "firstBatch", taken)

    def more(self, number: int, size: int | None, wait_seconds: float) -> dict[str, Any]:
        """Return the reply with the next batch. CommandFailed if the cursor is dead."""
        cursor = self.open.get(number)
        if cursor is None:
            raise CommandFailed(43, f"cursor id {number} not found")
        self._require_alive(cursor)
        taken = cursor.batch(size)
        deadline = time.monotonic() + wait_seconds
        while cursor.tailing and not taken and (left := deadline - time.monotonic()) > 0:
            self._store.changed.wait(left)
            self._require_alive(cursor)
            taken = cursor.batch(size)
        if cursor.ended():
            del self.open[number]
        return self._answer(cursor, "nextBatch", taken)

    def kill(self, numbers: list[int]) -> dict[str, Any]:
        """Forget cursors, as killCursors asks."""
        known = [number for number in numbers if self.open.pop(number, None)]
        unknown = [number for number in numbers if number not in known]
        return {
            "cursorsKilled": known,
            "cursorsNotFound": unknown,
            "cursorsAlive": [],
            "cursorsUnknown": [],
        }

    def _require_alive(self, cursor: Cursor) -> None:
        if cursor.id not in self.open:
            raise CommandFailed(43, f"cursor id {cursor.id} not found")
        if cursor.collection is not None and cursor.collection.dropped:
            del self.open[cursor.id]
            raise CommandFailed(175, f"collection dropped: {cursor.namespace}")

    def _answer(self, cursor: Cursor, name: str, taken: list[bytes]) -> dict[str, Any]:
        alive = cursor.id in self.open
        answer: dict[str, Any] = {
            name: [RawBSONDocument(raw) for raw in taken],
            "id": Int64(cursor.id if alive else 0),
            "ns": cursor.namespace,
        }
        if cursor.at_time is not None:
            answer["atClusterTime"] = cursor.at_time
        return {"cursor": answer}


def tail(collection: Collection, start: int) -> Iterator[bytes]:
    """Yield a collection's rows from a position on, also those that come while it is read.

    The position counts from the first row ever. CommandFailed (136) if rows were shed that the
    reader had not seen; the iterator ends where nothing more stands and goes on when asked again.
    """
    return _Tail(collection, start)


class _Tail(Iterator[bytes]):
    def __init__(self, collection: Collection, start: int) -> None:
        self._collection, self._position = collection, start

    def __next__(self) -> bytes:
        if self._position < self._collection.gone:
            raise CommandFailed(
                136, f"CollectionScan died: capped position lost in {self._collection.namespace}"
            )
        while (index := self._position - self._collection.gone) < len(self._collection.rows):
            self._position += 1
            row = self._collection.rows[index]
            if row.stands(None):
                return row.raw
        raise StopIteration
