"""Makes a backup: everything the server has, in mongodump's layout, signed and sealed."""

import os
import socket
from pathlib import Path

import msgspec

from equerry import clock, version
from equerry.backups import (
    catalogue,
    changes,
    listing,
    manifest,
    moment,
    mongodump,
    names,
    place,
    sealing,
    server,
    space,
)
from equerry.backups.collection_dump import GONE, CollectionDump, Dumped, Wait
from equerry.backups.crew import Crew
from equerry.backups.listing import Found, Listing
from equerry.backups.manifest import Consistency, Engine, File, Manifest
from equerry.backups.progress import Counter, Watcher, unwatched
from equerry.backups.selection import Selection
from equerry.backups.server import Client, Server
from equerry.backups.signature import Key
from equerry.backups.sink import Sink
from equerry.backups.space import Limits, Room
from equerry.durable import write_all
from equerry.errors import BackupError
from equerry.settings import Settings

PRELUDE = "prelude.json.gz"
NOTHING = (
    "there is no collection to back up. Is backups.uri the right server, is all of it excluded, or"
    " may its user see nothing? It needs the role `backup`."
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. databases: empty for all; exclude: beside what the settings exclude."""

    databases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    snapshot: bool = True

    @property
    def whole(self) -> bool:
        """Whether it is all that the settings do not exclude."""
        return not self.databases and not self.exclude


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new backup. cleaned: what earlier dumps left that were killed, now removed."""

    path: Path
    manifest: Manifest
    cleaned: tuple[str, ...]


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine brought home, beside its own version and the consistency that it had."""

    dumped: tuple[Dumped, ...]
    engine: Engine
    engine_version: str
    consistency: Consistency
    note: str


def create(settings: Settings, wanted: Wanted, now_ms: int, watch: Watcher = unwatched) -> Made:
    """Dump the database into a new backup, and return it.

    `watch` is called some times a second in this thread; what it raises (a KeyboardInterrupt too)
    ends the dump and leaves nothing. Raises BackupError or SettingsError, having left nothing that
    looks whole. It is not read back yet: `verify.verify` does that.
    """
    folder = settings.backups_path
    with (
        place.exclusive(folder),
        server.connected(settings.backups.uri) as client,
        server.told("No backup was made"),
    ):
        cleaned = place.clean(folder)
        key = Key(settings.data_path)
        about = server.describe(client)
        selection = Selection(
            databases=wanted.databases, exclude=settings.backups.exclude + wanted.exclude
        )
        listed = listing.read(client, selection)
        if not listed.found:
            raise BackupError(NOTHING)
        room = _room(settings, folder, sum(each.size_bytes for each in listed.found))
        name = place.free_name(folder, now_ms, whole=wanted.whole)
        try:
            with place.partial(folder, name) as partial:
                taken = _taken(settings, client, about, listed, wanted, partial, room, watch)
                prelude = _prelude(partial, about, taken, room)
                after = listing.read(client, selection, again=True)
                _refuse_lost(listed, taken, after)
                made = _manifest(name, wanted, now_ms, about, listed, taken, prelude, after)
                if settings.backups.recipients:
                    made = sealing.seal(partial, made, settings.backups.recipients)
                write_manifest(partial, made, key)
                return Made(path=place.seal(partial, name), manifest=made, cleaned=cleaned)
        except OSError as error:
            raise BackupError(
                f"{folder}: {error.strerror or error}. No backup was made."
            ) from error


def _room(settings: Settings, folder: Path, plain_bytes: int) -> Room:
    """Return the room for the dump. Raises BackupError where the estimate does not fit."""
    there = catalogue.entries(folder)
    limits = Limits(
        max_bytes=settings.backups.max_bytes,
        used_bytes=catalogue.used_bytes(there),
        free_bytes=space.free_bytes(folder),
        min_free_bytes=settings.backups.min_free_bytes,
    )
    earlier = [
        (each.manifest.plain_bytes, each.manifest.stored_bytes) for each in there if each.manifest
    ]
    if refusal := limits.refusal(space.estimate(plain_bytes, earlier)):
        raise BackupError(refusal)
    return Room(folder, limits)


def _taken(  # noqa: PLR0913 - what a dump is made of
    settings: Settings,
    client: Client,
    about: Server,
    listed: Listing,
    wanted: Wanted,
    partial: Path,
    room: Room,
    watch: Watcher,
) -> Taken:
    if Engine(settings.backups.engine) is Engine.MONGODUMP:
        run = mongodump.run(settings.backups.uri, listed, partial, watch)
        return Taken(
            dumped=run.dumped,
            engine=Engine.MONGODUMP,
            engine_version=run.version,
            consistency=Consistency.NONE,
            note=mongodump.NOTE,
        )
    snapshot = moment.take(client, about, listed.found, wanted=wanted.snapshot)
    largest_first = sorted(listed.found, key=lambda each: -each.size_bytes)
    counter = Counter(len(largest_first), sum(each.size_bytes for each in largest_first))
    collections = CollectionDump(client, partial, room, snapshot, counter)
    crew: Crew[Found, Dumped] = Crew(
        lambda found: collections.run(found, wait), settings.backups.side_by_side
    )
    wait = Wait(crew.check, crew.wait)
    dumped = crew.run(largest_first, lambda: watch(counter.read()))
    consistency, note = snapshot.consistency
    return Taken(
        dumped=tuple(dumped),
        engine=Engine.EQUERRY,
        engine_version=version.release(),
        consistency=consistency,
        note=note,
    )


def _refuse_lost(listed: Listing, taken: Taken, after: Listing) -> None:
    """Raise BackupError where an engine left out as dropped what the server still has."""
    gone = [
        (each.left_out.db, each.left_out.name)
        for each in taken.dumped
        if each.left_out and each.left_out.why == GONE
    ]
    if name := changes.lost(gone, listed.found, after.found):
        raise BackupError(
            f"{taken.engine.value} did not dump {names.shown(name)}, which the server still has. No"
            " backup was made; try again."
        )


def _prelude(partial: Path, about: Server, taken: Taken, room: Room) -> File:
    existing = partial / PRELUDE
    existing.unlink(missing_ok=True)
    sink = Sink(partial, PRELUDE, room)
    try:
        said = {"ServerVersion": about.version, "ToolVersion": taken.engine_version}
        sink.write(msgspec.json.encode(said) + b"\n")
        return sink.finish()
    finally:
        sink.close()


def _manifest(  # noqa: PLR0913 - what a manifest is made of
    name: str,
    wanted: Wanted,
    now_ms: int,
    about: Server,
    listed: Listing,
    taken: Taken,
    prelude: File,
    after: Listing,
) -> Manifest:
    kept = [each.collection for each in taken.dumped if each.collection]
    dropped = [each.left_out for each in taken.dumped if each.left_out]
    files = [prelude, *(file for each in taken.dumped for file in each.files)]
    return Manifest(
        name=name,
        whole=wanted.whole,
        created_at=clock.rfc3339(now_ms),
        finished_at=clock.rfc3339(clock.now_ms()),
        server=about.hosts,
        server_version=about.version,
        engine=taken.engine,
        engine_version=taken.engine_version,
        tool_version=version.release(),
        made_on=names.shown(socket.gethostname()),
        consistency=taken.consistency,
        consistency_note=taken.note,
        operation_time=about.operation_time,
        databases=listed.databases,
        collections=tuple(sorted(kept, key=lambda each: (each.db, each.name))),
        files=tuple(sorted(files, key=lambda each: each.path)),
        left_out=(*listed.left_out, *dropped),
        changed=tuple(changes.between(listed.found, after.found)),
    )


def write_manifest(partial: Path, made: Manifest, key: Key) -> None:
    """Write the manifest and its signature, durably."""
    data = manifest.encode(made)
    for file, written in ((manifest.FILE, data), (manifest.SIGNATURE_FILE, key.sign(data))):
        descriptor = os.open(
            partial / file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        try:
            write_all(descriptor, written)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
