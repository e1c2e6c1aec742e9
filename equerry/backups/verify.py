"""Reads a backup back, every byte of it, and names each fault that it finds.

What mongorestore does not notice is noticed here: a file cut between two documents, missing
metadata, a missing or foreign file. Whatever reads a backup asks this first.
"""

import hashlib
import math
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from equerry import clock
from equerry.backups import (
    bson_form,
    documents,
    gzip_file,
    manifest,
    metadata,
    names,
    regular_file,
    sealing,
    signature,
)
from equerry.backups.documents import Content
from equerry.backups.encryption import Identity, NoKeyFits
from equerry.backups.manifest import Collection, File, Manifest
from equerry.backups.progress import Counter, Watcher, unwatched
from equerry.backups.records import Fault, Verified, What
from equerry.errors import BackupError

PRELUDE = "prelude.json.gz"
# Options, or a view's pipeline: 16 MB as BSON, several times that as Extended JSON.
MAX_JSON_BYTES = 128 * 1024 * 1024
# A file that is longer than any of the backup by this is not read: a sparse one may have petabytes.
MAX_BEYOND_BYTES = 64 * 1024 * 1024
# Two versions: 60 bytes.
MAX_PRELUDE_BYTES = 64 * 1024
_OWN = frozenset({manifest.FILE, manifest.SIGNATURE_FILE})


def verify(
    backup: Path,
    trusted: frozenset[str],
    now_ms: int,
    watch: Watcher = unwatched,
    keys: Sequence[Identity] = (),
) -> Verified:
    """Read a backup to its last byte and return what is wrong with it.

    trusted: public keys whose signature is believed. keys: private ones, for an encrypted backup;
    without them its files are held against their hashes, and not looked into. `watch` is called
    many times; what it raises ends the reading. Nothing is written. Raises NoKeyFits where a file
    is the one that was written, and none of the keys is one of its recipients'.
    """
    began = time.monotonic()
    try:
        data = manifest.read_bytes(backup)
        held = manifest.decode(data, backup / manifest.FILE)
    except BackupError as error:
        fault = Fault(path=manifest.FILE, what=What.MANIFEST, says=str(error))
        return Verified(
            manifest_sha256="",
            at=clock.rfc3339(now_ms),
            seconds=time.monotonic() - began,
            bytes=0,
            documents=0,
            read=False,
            faults=(fault,),
        )
    reader = _Reader(backup, held, watch, keys)
    faults = [*_signed(backup, data, held, trusted), *reader.faults()]
    return Verified(
        manifest_sha256=hashlib.sha256(data).hexdigest(),
        at=clock.rfc3339(now_ms),
        seconds=time.monotonic() - began,
        bytes=reader.counter.read().bytes,
        documents=reader.counter.read().documents,
        read=reader.looks_inside,
        faults=tuple(faults),
    )


def trusted_keys(data_path: Path, others: Sequence[str]) -> frozenset[str]:
    """Return the public keys that are believed: this machine's, and those that it was given."""
    own = signature.own_public(data_path)
    return frozenset((*others, own) if own else others)


def _signed(backup: Path, data: bytes, held: Manifest, trusted: frozenset[str]) -> Iterator[Fault]:
    try:
        with regular_file.opened(backup / manifest.SIGNATURE_FILE) as file:
            refusal = signature.refusal(data, file.read(signature.MAX_BYTES), trusted)
    except OSError as error:
        refusal = f"there is no signature to read: {error.strerror}"
    if refusal:
        yield Fault(path=manifest.SIGNATURE_FILE, what=What.SIGNATURE, says=refusal)
    if held.name != backup.name:
        says = f"this is the manifest of {held.name}: the folder was renamed, or another's put here"
        yield Fault(path=manifest.FILE, what=What.NAME, says=says)


class _Reader:
    """Reads the files of one backup."""

    def __init__(
        self, backup: Path, held: Manifest, watch: Watcher, keys: Sequence[Identity]
    ) -> None:
        self._backup = backup
        self._manifest = held
        self._watch = watch
        self._keys = keys
        self._data = {each.data: each for each in held.collections if each.data}
        self._metadata = {each.metadata: each for each in held.collections if each.metadata}
        self._largest = MAX_BEYOND_BYTES + max((each.bytes for each in held.files), default=0)
        self._by_hash = {each.sha256: each.path for each in held.files}
        self.looks_inside = held.encryption is None or bool(keys)
        self.counter = Counter(len(held.files), held.stored_bytes)

    def faults(self) -> Iterator[Fault]:
        """Yield every fault of the files, in their order."""
        yield from self._set()
        for each in self._manifest.files:
            self.counter.begin(each.path)
            yield from self._file(each)
            self.counter.end(each.path)
            self._watch(self.counter.read())

    def _set(self) -> Iterator[Fault]:
        """Hold the files that are there against those that are named."""
        named = {each.path for each in self._manifest.files}
        for path in sorted((self._data.keys() | self._metadata.keys()) - named):
            says = "a collection's file that the list of files does not have"
            yield Fault(path=path, what=What.MANIFEST, says=says)
        folders = {path.rpartition("/")[0] for path in named}
        for path, is_folder in sorted(_present(self._backup)):
            expected = folders if is_folder else named | _OWN
            if path not in expected:
                says = "it is not of this backup"
                yield Fault(path=names.shown(path), what=What.EXTRA, says=says)

    def _file(self, file: File) -> Iterator[Fault]:
        path = self._backup / file.path
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                yield Fault(path=file.path, what=What.NO_FILE, says=regular_file.NO_FILE)
                return
            stored = list(self._stored(file, path))
            yield from stored
            is_larger = path.lstat().st_size > self._largest
            if not is_larger and (not file.plain_sha256 or self._keys):
                yield from self._inside(file, is_intact=not stored)
        except FileNotFoundError:
            yield Fault(path=file.path, what=What.MISSING, says="it is missing")
        except OSError as error:
            says = f"it cannot be read: {error.strerror or error}"
            yield Fault(path=file.path, what=What.UNREADABLE, says=says)

    def _stored(self, file: File, path: Path) -> Iterator[Fault]:
        """Hold what lies there against its size and hash."""
        digest, size, there = hashlib.sha256(), 0, path.lstat().st_size
        if there > self._largest:
            says = f"it has {there:,} bytes instead of {file.bytes:,}"
            yield Fault(path=file.path, what=What.SIZE, says=says)
            return
        with regular_file.opened(path) as stored:
            while piece := stored.read(gzip_file.PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                self.counter.add(0, len(piece))
                self._watch(self.counter.read())
        if size != file.bytes:
            says = f"it has {size:,} bytes instead of {file.bytes:,}"
            yield Fault(path=file.path, what=What.SIZE, says=says)
        if digest.hexdigest() != file.sha256:
            other = self._by_hash.get(digest.hexdigest())
            if other:
                says = f"it is the file {other}"
                yield Fault(path=file.path, what=What.SWAPPED, says=says)
            else:
                says = "its SHA-256 is another: it was changed or damaged"
                yield Fault(path=file.path, what=What.HASH, says=says)

    def _inside(self, file: File, *, is_intact: bool) -> Iterator[Fault]:
        """Look into a file; what it should hold is known by its path."""
        try:
            with sealing.opened(self._backup, file, self._keys) as opened:
                if collection := self._data.get(file.path):
                    yield from self._documents(file, collection, gzip_file.pieces(opened))
                elif collection := self._metadata.get(file.path):
                    yield from _described(file, collection, _text(gzip_file.pieces(opened)))
                elif sealing.plain_path(file.path) == PRELUDE:
                    text = _text(gzip_file.pieces(opened), MAX_PRELUDE_BYTES)
                    yield from _prelude(file, text)
                else:
                    says = "it belongs to no collection of the manifest"
                    yield Fault(path=file.path, what=What.MANIFEST, says=says)
        except BackupError as error:
            if is_intact and isinstance(error, NoKeyFits):
                raise  # the wrong key was given: that is no fault of the backup
            yield Fault(path=file.path, what=What.GZIP, says=str(error))

    def _documents(
        self, file: File, collection: Collection, pieces: Iterator[bytes]
    ) -> Iterator[Fault]:
        content = Content()
        says = self._tally(pieces, content, collection.bytes)
        if says:
            yield Fault(path=file.path, what=What.DOCUMENT, says=says)
        counts = (collection.documents, collection.bytes)
        if (content.documents, content.bytes) != counts or file.documents != collection.documents:
            says = (
                f"it holds {content.documents:,} documents of {content.bytes:,} bytes instead of"
                f" {collection.documents:,} of {collection.bytes:,}"
            )
            yield Fault(path=file.path, what=What.COUNT, says=says)
        elif content.hash != collection.content:
            says = "its documents are others than those that were dumped"
            yield Fault(path=file.path, what=What.CONTENT, says=says)

    def _tally(self, pieces: Iterator[bytes], content: Content, max_bytes: float = math.inf) -> str:
        """Count well-formed documents into `content`; return what is wrong with the next, or "".

        Ends soon after max_bytes: 10 MB of gzip may hold 10 GB of tiny documents.
        """
        split = documents.split(pieces)
        while True:
            try:
                whole = next(split, None)
            except documents.Broken as error:
                return f"document {content.documents + 1:,}: {error}"
            if whole is None:
                return ""
            if content.bytes > max_bytes:
                return f"document {content.documents + 1:,}: there are more than were dumped"
            before = content.documents
            for document in documents.each(whole):
                if says := bson_form.fault(document):
                    return f"document {content.documents + 1:,}: {says}"
                content.add(document)
            self.counter.add(content.documents - before, 0)
            self._watch(self.counter.read())


def _present(backup: Path) -> Iterator[tuple[str, bool]]:
    """Yield all that is below the backup, relative, and whether it is a folder; links are none."""
    for parent, folders, files in os.walk(backup):
        for name in folders:
            path = Path(parent) / name
            relative = path.relative_to(backup).as_posix()
            yield relative, not path.is_symlink()
        for name in files:
            yield (Path(parent) / name).relative_to(backup).as_posix(), False


def _text(pieces: Iterator[bytes], max_bytes: int = MAX_JSON_BYTES) -> bytes:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) > max_bytes:
            raise BackupError(f"it unpacks to more than {max_bytes:,} bytes")
    return bytes(held)


def _described(file: File, collection: Collection, data: bytes) -> Iterator[Fault]:
    """Hold a metadata file against the manifest."""
    try:
        said = metadata.decode(data)
    except BackupError as error:
        yield Fault(path=file.path, what=What.METADATA, says=str(error))
        return
    differs = [
        what
        for what, here, there in (
            ("options", bytes(said.options), bytes(collection.options)),
            ("indexes", bytes(said.indexes), bytes(collection.indexes)),
            ("uuid", said.uuid, collection.uuid),
            ("name", said.collectionName, collection.name),
            ("type", said.type, collection.kind.value),
        )
        if here != there
    ]
    if differs:
        says = f"other than in the manifest: {', '.join(differs)}"
        yield Fault(path=file.path, what=What.METADATA, says=says)


def _prelude(file: File, data: bytes) -> Iterator[Fault]:
    try:
        said = msgspec.json.decode(data, type=dict[str, str])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        yield Fault(path=file.path, what=What.METADATA, says=f"no prelude: {error}")
        return
    if "ServerVersion" not in said:
        says = "it names no ServerVersion: mongorestore would refuse the backup"
        yield Fault(path=file.path, what=What.METADATA, says=says)
