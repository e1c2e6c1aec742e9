"""What the fake holds: databases of collections of raw documents, with their past and an oplog.

A document is kept as the bytes that came. Every write gets a cluster time, and a row knows when
it came and when it went, so that a snapshot is read at its own time however much is written on.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import bson
from bson import Binary, Int64, Timestamp
from bson.raw_bson import RawBSONDocument
from fake_mongo.errors import CommandFailed
from fake_mongo.order import MISSING, at, key, matches
from fake_mongo.wire import decode

NEVER = Timestamp(0xFFFFFFFF, 0)
OPLOG = ("local", "oplog.rs")


@dataclass(slots=True)
class Row:
    """A document, the time that wrote it and the time that removed it."""

    raw: bytes
    since: Timestamp
    until: Timestamp = NEVER

    def stands(self, when: Timestamp | None) -> bool:
        """Say whether it is there at a time; now, if none is given."""
        if when is None:
            return self.until is NEVER
        return self.since <= when < self.until


@dataclass(slots=True)
class Collection:
    """One collection, view or time series. `gone` counts rows that a capped one shed in front."""

    database: str
    name: str
    kind: str = "collection"
    options: dict[str, Any] = field(default_factory=dict)
    uuid: UUID = field(default_factory=uuid4)
    rows: list[Row] = field(default_factory=list)
    indexes: list[dict[str, Any]] = field(default_factory=list)
    ids: set[tuple[Any, ...]] = field(default_factory=set)
    gone: int = 0
    dropped: bool = False

    @property
    def namespace(self) -> str:
        """`database.name`."""
        return f"{self.database}.{self.name}"

    def standing(self, when: Timestamp | None = None) -> Iterator[bytes]:
        """Yield the documents there are at a time, in the order in which they came."""
        for row in self.rows:
            if row.stands(when):
                yield row.raw

    def information(self) -> dict[str, Any]:
        """Return what listCollections says of it."""
        if self.kind == "view":
            return {
                "name": self.name,
                "type": "view",
                "options": self.options,
                "info": {"readOnly": True},
            }
        found: dict[str, Any] = {"name": self.name, "type": self.kind, "options": self.options}
        found["info"] = {"readOnly": False, "uuid": Binary(self.uuid.bytes, 4)}
        if self.kind == "timeseries":
            del found["info"]["uuid"]
        elif self.indexes:
            found["idIndex"] = self.indexes[0]
        return found


class Store:
    """The databases. Its lock is held during each command; `changed` wakes tailing cursors."""

    def __init__(self, *, replicated: bool, start: int = 1_700_000_000) -> None:
        self.databases: dict[str, dict[str, Collection]] = {}
        self.replicated = replicated
        self.clock = Timestamp(start, 1)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.oldest_snapshot = Timestamp(0, 0)
        if replicated:
            self.create(*OPLOG, {"capped": True, "size": Int64(1 << 30)})

    def tick(self, seconds: int = 0) -> Timestamp:
        """Move the cluster's time on, by whole seconds or within the second, and return it."""
        now = self.clock
        self.clock = (
            Timestamp(now.time + seconds, 1) if seconds else Timestamp(now.time, now.inc + 1)
        )
        return self.clock

    def get(self, database: str, name: str) -> Collection | None:
        """Return a collection, or None."""
        return self.databases.get(database, {}).get(name)

    def create(
        self,
        database: str,
        name: str,
        options: Mapping[str, Any] | None = None,
        kind: str = "collection",
    ) -> Collection:
        """Create a collection with the index on `_id`. CommandFailed if it is there."""
        if self.get(database, name):
            raise CommandFailed(48, f"Collection {database}.{name} already exists.")
        made = Collection(database, name, kind, dict(options or {}))
        if kind == "collection" and (database, name) != OPLOG:
            made.indexes.append(_id_index(made.options))
        self.databases.setdefault(database, {})[name] = made
        entry = {"create": name, **made.options}
        if kind == "collection":
            entry["idIndex"] = made.indexes[0] if made.indexes else {}
        self.log(made, "c", entry)
        return made

    def ensure(self, database: str, name: str) -> Collection:
        """Return a collection, created if it is not there."""
        return self.get(database, name) or self.create(database, name)

    def insert(self, collection: Collection, raw: bytes, *, checked: bool = True) -> None:
        """Add a document. CommandFailed for a second `_id`, a unique index or a validator."""
        document = decode(raw)
        if "_id" not in document and (collection.database, collection.name) != OPLOG:
            document = {"_id": bson.ObjectId(), **document}
            raw = bson.encode(document)
        self._may_stand(collection, document, checked=checked)
        collection.ids.add(key(document.get("_id")))
        now = self.log(collection, "i", raw) or self.tick()
        collection.rows.append(Row(raw, now))
        self._shed(collection)
        self._wake()

    def remove(self, collection: Collection, row: Row) -> None:
        """Remove a document."""
        identity = decode(row.raw).get("_id")
        row.until = self.log(collection, "d", bson.encode({"_id": identity})) or self.tick()
        collection.ids.discard(key(identity))

    def replace(self, collection: Collection, row: Row, raw: bytes) -> None:
        """Put a document in the place of one with the same `_id`; it moves to the end."""
        identity = {"_id": decode(row.raw)["_id"]}
        row.until = self.log(collection, "u", raw, identity) or self.tick()
        collection.rows.append(Row(raw, row.until))

    def drop(self, database: str, name: str) -> None:
        """Drop a collection; its cursors die. CommandFailed if it is not there."""
        found = self.databases.get(database, {}).pop(name, None)
        if found is None:
            raise CommandFailed(26, "ns not found")
        found.dropped = True
        self.log(found, "c", {"drop": name})
        if not self.databases[database]:
            del self.databases[database]

    def log(
        self,
        collection: Collection,
        operation: str,
        entry: bytes | Mapping[str, Any],
        identity: Mapping[str, Any] | None = None,
    ) -> Timestamp | None:
        """Write an oplog entry and return its time; None where nothing is replicated."""
        oplog = self.get(*OPLOG)
        if oplog is None or collection.database == "local":
            return None
        now = self.tick()
        command = operation == "c"
        record = {
            "op": operation,
            "ns": f"{collection.database}.$cmd" if command else collection.namespace,
            "ui": Binary(collection.uuid.bytes, 4),
            "o": RawBSONDocument(entry) if isinstance(entry, bytes) else entry,
            **({"o2": identity} if identity else {}),
            "ts": now,
            "t": Int64(1),
            "v": Int64(2),
            "wall": datetime.fromtimestamp(now.time, UTC),
        }
        oplog.rows.append(Row(bson.encode(record), now))
        self._wake()
        return now

    def truncate_oplog(self, keep: int) -> None:
        """Shed all but the newest entries, as a capped oplog does when it is full."""
        with self.lock:
            oplog = self.get(*OPLOG)
            assert oplog is not None
            shed = max(len(oplog.rows) - keep, 0)
            del oplog.rows[:shed]
            oplog.gone += shed

    def _wake(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def _may_stand(
        self, collection: Collection, document: Mapping[str, Any], *, checked: bool
    ) -> None:
        if key(document.get("_id")) in collection.ids and "_id" in document:
            raise _duplicate(collection, "_id_", {"_id": document["_id"]})
        for index in collection.indexes:
            if index.get("unique"):
                require_unique(collection, index, document)
        validator = collection.options.get("validator", {})
        if checked and validator and not matches(document, validator):
            raise CommandFailed(121, "Document failed validation")

    def _shed(self, collection: Collection) -> None:
        if not collection.options.get("capped"):
            return
        most = collection.options.get("max", 1 << 62)
        room = collection.options.get("size", 1 << 62)
        while len(collection.rows) > most or sum(len(row.raw) for row in collection.rows) > room:
            collection.ids.discard(key(decode(collection.rows[0].raw).get("_id")))
            del collection.rows[0]
            collection.gone += 1


def require_unique(
    collection: Collection, index: Mapping[str, Any], document: Mapping[str, Any]
) -> None:
    """Raise CommandFailed (11000) if another document has the same values in the index."""
    wanted = _values(index, document)
    if wanted is None:
        return
    for raw in collection.standing():
        other = decode(raw)
        if key(other["_id"]) != key(document["_id"]) and _values(index, other) == wanted:
            raise _duplicate(collection, index["name"], {})


def _values(index: Mapping[str, Any], document: Mapping[str, Any]) -> list[Any] | None:
    """Return what an index holds of a document; None if it leaves the document out."""
    found = [at(document, path) for path in index["key"]]
    if index.get("sparse") and all(value is MISSING for value in found):
        return None
    if not matches(document, index.get("partialFilterExpression", {})):
        return None
    return [key(value) for value in found]


def _duplicate(collection: Collection, index: str, values: Mapping[str, Any]) -> CommandFailed:
    return CommandFailed(
        11000,
        f"E11000 duplicate key error collection: {collection.namespace} index: {index}"
        f" dup key: {dict(values)!r}",
    )


def _id_index(options: Mapping[str, Any]) -> dict[str, Any]:
    clustered = options.get("clusteredIndex")
    found: dict[str, Any] = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    if isinstance(clustered, Mapping):
        found |= {"unique": True, "clustered": True, "name": clustered.get("name", "_id_")}
    if collation := options.get("collation"):
        found["collation"] = collation
    return found


def raws(documents: Sequence[bytes | Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield documents as bytes: those that are bytes stay as they are."""
    for document in documents:
        yield document if isinstance(document, bytes) else bson.encode(document)
