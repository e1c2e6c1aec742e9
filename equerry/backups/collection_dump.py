"""Dumps one collection, its documents and its metadata: whole, or an error; never a short file."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec
from bson import Timestamp
from pymongo.errors import OperationFailure, PyMongoError

from equerry.backups import metadata, names, reading, server
from equerry.backups.documents import Content
from equerry.backups.listing import UNREADABLE, Found
from equerry.backups.manifest import Collection, File, Kind, LeftOut
from equerry.backups.metadata import Metadata
from equerry.backups.moment import Moment
from equerry.backups.progress import Counter
from equerry.backups.selection import OWN
from equerry.backups.server import Client
from equerry.backups.sink import Sink
from equerry.backups.space import Room
from equerry.errors import BackupError

ATTEMPTS = 3
PAUSE_SECONDS = 0.5
GONE = "dropped while it was read"


class Dumped(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: a collection with its files, or why it is left out."""

    collection: Collection | None = None
    files: tuple[File, ...] = ()
    left_out: LeftOut | None = None


def collected(
    found: Found, said: Metadata, content: Content, data: File | None, described: File
) -> Dumped:
    """Return a collection that is in the backup. data: None for a view, which has no documents."""
    collection = Collection(
        db=found.db,
        name=found.name,
        kind=found.kind,
        uuid=said.uuid,
        documents=content.documents,
        bytes=content.bytes,
        options=said.options,
        indexes=said.indexes,
        data=data.path if data else "",
        metadata=described.path,
        content=content.hash if data else "",
    )
    return Dumped(collection=collection, files=(data, described) if data else (described,))


class Wait(msgspec.Struct, frozen=True):
    """How a worker is asked to end: both raise where it is to. pause: takes seconds."""

    check: Callable[[], None]
    pause: Callable[[float], None]


class CollectionDump:
    """Dumps collections of one server into one folder; used by several threads."""

    def __init__(
        self, client: Client, folder: Path, room: Room, moment: Moment, counter: Counter
    ) -> None:
        self._client = client
        self._folder = folder
        self._room = room
        self._moment = moment
        self._counter = counter
        self._large = threading.Lock()

    def run(self, found: Found, wait: Wait) -> Dumped:
        """Dump one. Raises BackupError."""
        name = names.shown(found.namespace)
        self._counter.begin(name)
        try:
            return self._run(found, wait)
        finally:
            self._counter.end(name)

    def _run(self, found: Found, wait: Wait) -> Dumped:
        content, data = Content(), None
        if found.kind is not Kind.VIEW:
            sink = Sink(self._folder, names.data(found.db, found.source), self._room)
            try:
                content = self._documents(found, sink, wait)
                data = sink.finish(content.documents)
            except OperationFailure as error:
                sink.discard()
                return self._left_out(found, error)
            except _Gone:
                sink.discard()
                return Dumped(left_out=LeftOut(db=found.db, name=found.name, why=GONE))
            finally:
                sink.close()
        said = Metadata(
            options=found.options,
            indexes=found.indexes,
            uuid=found.uuid,
            collectionName=found.name,
            type=found.kind.value,
        )
        return collected(found, said, content, data, self._metadata(found, said))

    def _documents(self, found: Found, sink: Sink, wait: Wait) -> Content:
        """Read to the end; after a broken cursor or connection, from the beginning again."""
        attempt = 0
        while True:
            attempt += 1
            content, moment = Content(), self._moment.of(found)
            try:
                with self._turn(found):
                    self._read(found, moment, content, sink, wait)
            except PyMongoError as error:
                self._recover(found, moment, error, attempt)
                self._counter.add(-content.documents, -content.bytes)
                sink.restart()
                wait.pause(PAUSE_SECONDS * attempt)
            except BackupError as error:
                raise BackupError(f"{names.shown(found.namespace)}: {error}") from error
            else:
                return content

    def _turn(self, found: Found) -> AbstractContextManager[object]:
        """Let collections of large documents read one after the other: memory is bounded."""
        is_large = found.average_bytes > reading.LARGE_DOCUMENT_BYTES
        return self._large if is_large else nullcontext()

    def _read(
        self, found: Found, moment: Timestamp | None, content: Content, sink: Sink, wait: Wait
    ) -> None:
        for batch in reading.batches(self._client, found, moment):
            wait.check()
            before = content.documents
            content.add(batch)
            sink.write(batch)
            self._counter.add(content.documents - before, len(batch))

    def _recover(
        self, found: Found, moment: Timestamp | None, error: PyMongoError, attempt: int
    ) -> None:
        """Return where trying again may help."""
        name = names.shown(found.namespace)
        code = error.code if isinstance(error, OperationFailure) else None
        if code == server.UNAUTHORIZED and found.db in OWN:
            raise error
        if code in server.SNAPSHOT_LOST and moment is not None:
            self._moment.lose()
        elif code == server.UNAUTHORIZED or attempt >= ATTEMPTS:
            with server.told(f"{name} could not be read to its end, {attempt} times"):
                raise error
        if not self._is_there(found):
            raise _Gone

    def _is_there(self, found: Found) -> bool:
        """Say whether it is still the collection that was listed; unknown counts as yes."""
        try:
            infos = list(self._client[found.db].list_collections(filter={"name": found.source}))
        except PyMongoError:
            return True
        return bool(infos)

    def _left_out(self, found: Found, error: OperationFailure) -> Dumped:
        if error.code != server.UNAUTHORIZED:
            with server.told(f"{names.shown(found.namespace)} could not be read"):
                raise error
        return Dumped(left_out=LeftOut(db=found.db, name=found.name, why=UNREADABLE))

    def _metadata(self, found: Found, said: Metadata) -> File:
        sink = Sink(self._folder, names.metadata(found.db, found.name), self._room)
        try:
            sink.write(metadata.encode(said))
            return sink.finish()
        finally:
            sink.close()


class _Gone(Exception):
    """The collection was dropped."""
