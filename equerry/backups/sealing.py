"""Encrypts a backup in the making, and opens the files of any backup for reading.

Each file becomes `<path>.age`, with a hash in a name that would be too long. The manifest stays
readable: it has names, counts and indexes, and no documents; it keeps the hashes of both, so that a
host without a private key can tell that each file is still the one that was written.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
from pyrage import x25519

from equerry import durable
from equerry.backups import encryption
from equerry.backups.encryption import PIECE_BYTES, SUFFIX, Identity, Recipient
from equerry.backups.manifest import Collection, Encryption, File, Manifest
from equerry.errors import BackupError

MAX_NAME_BYTES = 255
HASH_DIGITS = 32

Progress = Callable[[int], None]
"""Told of each file's bytes when it is done."""


def quiet(_bytes: int) -> None:
    """Tell nobody."""


def seal(
    folder: Path, manifest: Manifest, keys: Sequence[str], progress: Progress = quiet
) -> Manifest:
    """Encrypt the files of a folder that no one lists yet; return the manifest of what lies there.

    Each encrypted file is made durable and read back with a key that exists only here, before its
    plain one is removed: at most one file lies there twice. Raises BackupError, OSError; the folder
    is then of no use.
    """
    to = encryption.recipients(keys)
    own = x25519.Identity.generate()
    files = []
    for each in manifest.files:
        files.append(_seal_file(folder, each, [*to, own.to_public()], own))
        progress(each.bytes)
    return msgspec.structs.replace(
        manifest,
        files=tuple(files),
        collections=tuple(_renamed(each) for each in manifest.collections),
        encryption=Encryption(format=encryption.FORMAT, recipients=tuple(keys)),
    )


def _seal_file(folder: Path, file: File, to: Sequence[Recipient], own: Identity) -> File:
    plain, sealed = folder / file.path, folder / sealed_path(file.path)
    with plain.open("rb") as source, sealed.open("xb") as sink:
        sizes = encryption.encrypt(source, sink, to)
    durable.fsync(sealed)
    digest = hashlib.sha256()
    with encryption.decrypted(sealed, [own]) as back:
        while piece := back.read(PIECE_BYTES):
            digest.update(piece)
    if not file.sha256 == sizes.plain_sha256 == digest.hexdigest():
        raise BackupError(
            f"{plain}: changed while it was encrypted. Is another program writing there? The disk"
            " may also be failing: see the kernel's log."
        )
    plain.unlink()
    return File(
        path=sealed_path(file.path),
        bytes=sizes.bytes,
        sha256=sizes.sha256,
        documents=file.documents,
        plain_bytes=sizes.plain_bytes,
        plain_sha256=sizes.plain_sha256,
    )


def _renamed(collection: Collection) -> Collection:
    return msgspec.structs.replace(
        collection,
        data=collection.data and sealed_path(collection.data),
        metadata=collection.metadata and sealed_path(collection.metadata),
    )


@contextlib.contextmanager
def opened(folder: Path, file: File, keys: Sequence[Identity] = ()) -> Iterator[BinaryIO]:
    """Yield what a file holds, decrypted where it is encrypted; to be read in order.

    Raises BackupError as `encryption.decrypted` does, and where a key is needed and none is given.
    """
    path = folder / file.path
    if not file.plain_sha256:
        with path.open("rb") as plain:
            yield plain
    elif not keys:
        raise BackupError(f"{path}: is encrypted; --identity FILE names a private key that fits")
    else:
        with encryption.decrypted(path, keys) as plain:
            yield plain


def sealed_path(path: str) -> str:
    """Return the path of an encrypted file: mongodump's longest names leave no room for `.age`."""
    folder, slash, name = path.rpartition("/")
    if len(name.encode()) + len(SUFFIX) > MAX_NAME_BYTES:
        digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_DIGITS]
        name = f"{name[: MAX_NAME_BYTES - len(SUFFIX) - 1 - HASH_DIGITS]}~{digest}"
    return f"{folder}{slash}{name}{SUFFIX}"


def plain_path(path: str) -> str:
    """Return a file's path without what says that it is encrypted, e.g. to tell its format."""
    return path.removesuffix(SUFFIX)
