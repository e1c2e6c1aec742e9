"""Backups made without a server: files as a dump writes them, sealed and signed."""

from pathlib import Path

import bson
import msgspec

from equerry.backups import metadata, names, place
from equerry.backups.documents import Content
from equerry.backups.dump import PRELUDE, write_manifest
from equerry.backups.manifest import Collection, Consistency, Engine, File, Kind, Manifest
from equerry.backups.metadata import Metadata, extended_json
from equerry.backups.signature import Key
from equerry.backups.sink import Sink
from equerry.backups.space import Limits, Room

ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
NAME = "full-backup-20261125T020000Z"
BATCHES = 3


def room(folder: Path) -> Room:
    """Return room without an end."""
    free = 1 << 60
    return Room(folder, Limits(max_bytes=0, used_bytes=0, free_bytes=free, min_free_bytes=0))


def backup(data_path: Path, name: str = NAME, first: int = 0) -> Path:
    """Make a whole backup of two collections and a view below `data_path`/backups.

    first: what its documents begin with, so that two backups differ.
    """
    folder = data_path / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    with place.partial(folder, name) as partial:
        pairs = [
            collection(partial, "shop", "orders", range(first, first + 90)),
            collection(partial, "shop", "customers", range(first, first + 30)),
            view(partial, "shop", "open"),
        ]
        sink = Sink(partial, PRELUDE, room(partial))
        sink.write(b'{"ServerVersion":"7.0.42","ToolVersion":"test"}\n')
        files = [sink.finish(), *(file for _, files in pairs for file in files)]
        held = Manifest(
            name=name,
            whole=True,
            created_at="2026-11-25T02:00:00.000Z",
            finished_at="2026-11-25T02:00:01.000Z",
            server="db:27017",
            server_version="7.0.42",
            engine=Engine.EQUERRY,
            engine_version="test",
            tool_version="test",
            made_on="here",
            consistency=Consistency.NONE,
            databases=("shop",),
            collections=tuple(each for each, _ in pairs),
            files=tuple(files),
        )
        write_manifest(partial, held, Key(data_path))
        return place.seal(partial, name)


def collection(
    partial: Path, db: str, name: str, numbers: range
) -> tuple[Collection, tuple[File, ...]]:
    """Write a collection of so many documents, in some gzip members."""
    content = Content()
    sink = Sink(partial, names.data(db, name), room(partial))
    step = len(numbers) // BATCHES
    for begin in range(0, len(numbers), step):
        batch = b"".join(
            bson.encode({"_id": number, "text": f"{name} {number}"})
            for number in numbers[begin : begin + step]
        )
        content.add(batch)
        sink.write(batch)
    data = sink.finish(content.documents)
    return _described(partial, db, name, Kind.COLLECTION, content, data)


def view(partial: Path, db: str, name: str) -> tuple[Collection, tuple[File, ...]]:
    """Write a view."""
    return _described(partial, db, name, Kind.VIEW, Content(), None)


def _described(
    partial: Path, db: str, name: str, kind: Kind, content: Content, data: File | None
) -> tuple[Collection, tuple[File, ...]]:
    options = extended_json({"viewOn": "orders"} if data is None else {"validationLevel": "strict"})
    indexes = extended_json([] if data is None else [ID_INDEX])
    said = Metadata(options=options, indexes=indexes, uuid="", collectionName=name, type=kind.value)
    sink = Sink(partial, names.metadata(db, name), room(partial))
    sink.write(metadata.encode(said))
    described = sink.finish()
    made = Collection(
        db=db,
        name=name,
        kind=kind,
        uuid="",
        documents=content.documents,
        bytes=content.bytes,
        options=msgspec.Raw(bytes(options)),
        indexes=msgspec.Raw(bytes(indexes)),
        data=data.path if data else "",
        metadata=described.path,
        content=content.hash if data else "",
    )
    return made, (data, described) if data else (described,)
