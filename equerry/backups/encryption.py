"""Encrypts files for age recipients, and reads them again with an identity.

A recipient is a public key (`age1…`, `ssh-ed25519 …`, `ssh-rsa …`): whoever makes backups needs no
private one. age sees a cut or changed file by itself, but tells nothing about who wrote it: that
says the manifest's signature, which names the files by the SHA-256 of what lies there.
"""

import contextlib
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

import pyrage
from pyrage import ssh, x25519

from equerry.errors import BackupError, SettingsError

SUFFIX = ".age"
FORMAT = "age"

Recipient = x25519.Recipient | ssh.Recipient
Identity = x25519.Identity | ssh.Identity

# What each kind of public key begins with.
RECIPIENTS: dict[str, Callable[[str], Recipient]] = {
    "age1": x25519.Recipient.from_str,
    "ssh-ed25519 ": ssh.Recipient.from_str,
    "ssh-rsa ": ssh.Recipient.from_str,
}
_SECRET = "AGE-SECRET-KEY-1"  # noqa: S105 - what such a key begins with
_AGE_FILE = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE")
MAX_IDENTITY_BYTES = 65_536
PIECE_BYTES = 1 << 20


class NoKeyFits(BackupError):
    """A file that none of the keys given was made for; nothing is known against it."""


class Sizes(NamedTuple):
    """A file before and after it was encrypted: bytes, and SHA-256 in hex."""

    plain_bytes: int
    plain_sha256: str
    bytes: int
    sha256: str


def recipients(keys: Sequence[str]) -> list[Recipient]:
    """Return the recipients that `backups.recipients` names. Raises SettingsError."""
    return [_recipient(key) for key in keys]


def _recipient(key: str) -> Recipient:
    if key.startswith(_SECRET):
        raise SettingsError(
            "backups.recipients: holds a private key (AGE-SECRET-KEY-1…). Put the public one"
            " (age1…, `age-keygen -y`) there, and take the private one off this machine."
        )
    for prefix, read in RECIPIENTS.items():
        if key.startswith(prefix):
            try:
                return read(key)
            except pyrage.RecipientError as error:
                raise SettingsError(f"backups.recipients: {key[:80]!r}: {error}") from error
    raise SettingsError(
        f"backups.recipients: {key[:80]!r} is no public key; it takes age1…, ssh-ed25519 … and"
        " ssh-rsa …"
    )


def identities(path: Path) -> list[Identity]:
    """Return the private keys of a file: age-keygen's, or an SSH key. Raises BackupError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IDENTITY_BYTES + 1)
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror}") from error
    if len(data) > MAX_IDENTITY_BYTES:
        raise BackupError(f"{path}: larger than {MAX_IDENTITY_BYTES:,} bytes: this is no identity")
    if data.startswith(_AGE_FILE):
        raise BackupError(
            f"{path}: is itself encrypted. Decrypt it first: age --decrypt -o KEY {path.name}"
        )
    try:
        if b"PRIVATE KEY-----" in data:
            return [ssh.Identity.from_buffer(data)]
        lines = [line.strip() for line in data.decode().splitlines()]
        found: list[Identity] = [
            x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")
        ]
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        raise BackupError(
            f"{path}: no identity can be read from it. It takes age-keygen's files and SSH private"
            " keys without a passphrase."
        ) from error
    if not found:
        raise BackupError(f"{path}: holds no identity (a line AGE-SECRET-KEY-1…)")
    return found


class _Hashed(io.BufferedIOBase):
    """Hands on what is read from a file or written to it, and hashes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.count = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        data = self._file.read(-1 if size is None else size)
        self._note(data)
        return data

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def write(self, data: object, /) -> int:
        view = memoryview(cast("bytes", data)).cast("B")
        self._note(view)
        self._file.write(view)
        return len(view)

    def _note(self, data: bytes | memoryview) -> None:
        self.count += len(data)
        self.digest.update(data)


def encrypt(plain: IO[bytes], cipher: IO[bytes], to: Sequence[Recipient]) -> Sizes:
    """Encrypt all of one file into another, in pieces of 64 KiB. Raises OSError, BackupError."""
    read, written = _Hashed(plain), _Hashed(cipher)
    try:
        pyrage.encrypt_io(read, written, to)
    except pyrage.EncryptError as error:
        raise BackupError(f"encryption failed: {error}") from error
    return Sizes(read.count, read.digest.hexdigest(), written.count, written.digest.hexdigest())


@contextlib.contextmanager
def decrypted(path: Path, keys: Sequence[Identity]) -> Iterator[BinaryIO]:
    """Yield what an encrypted file holds, to be read in order and in bounded memory.

    Raises BackupError, from a read or at the end of the block, where none of the keys fits, or the
    file was cut or changed: nothing that was read may be trusted before the block has ended.
    """
    with path.open("rb") as cipher:
        flow = _Decryption(path, cipher, keys)
        try:
            yield cast("BinaryIO", flow.plain)
        except BaseException:
            flow.stop()
            raise
        flow.end()


class _Decryption:
    """A thread that decrypts into a pipe: the library pushes, and readers pull."""

    def __init__(self, path: Path, cipher: IO[bytes], keys: Sequence[Identity]) -> None:
        self._path = path
        self._fault: Exception | None = None
        source, sink = os.pipe()
        raw = _Told(source, self._raise)
        self.plain = io.BufferedReader(raw, PIECE_BYTES)
        self._thread = threading.Thread(
            target=self._run, args=(cipher, sink, keys), name="decryption", daemon=True
        )
        self._thread.start()

    def _run(self, cipher: IO[bytes], sink: int, keys: Sequence[Identity]) -> None:
        try:
            with open(sink, "wb", buffering=PIECE_BYTES) as pipe:
                pyrage.decrypt_io(_buffered(cipher), _buffered(pipe), keys)
        except BrokenPipeError:  # the reader went away
            pass
        except Exception as error:  # noqa: BLE001 - told to the reader
            self._fault = error

    def _raise(self) -> None:
        self._thread.join()
        if self._fault is not None:
            raise _error(self._path, self._fault) from self._fault

    def end(self) -> None:
        """Read what was left unread, so that a fault of the whole file is known."""
        try:
            while self.plain.read(PIECE_BYTES):
                pass
            self._raise()
        finally:
            self.stop()

    def stop(self) -> None:
        self.plain.close()
        self._thread.join()


def _buffered(file: IO[bytes]) -> io.BufferedIOBase:
    return cast("io.BufferedIOBase", file)


class _Told(io.FileIO):
    """A pipe whose end is believed only when its writer ended well."""

    def __init__(self, descriptor: int, ended: Callable[[], None]) -> None:
        super().__init__(descriptor, "rb")
        self._ended = ended

    def readinto(self, buffer: object, /) -> int:
        count = super().readinto(cast("bytearray", buffer))
        if not count:
            self._ended()
        return count or 0


def _error(path: Path, fault: Exception) -> BackupError:
    text = str(fault)
    if "No matching keys" in text:
        says = "none of the identities given can decrypt it; --identity names another"
        return NoKeyFits(f"{path}: {says}")
    return BackupError(f"{path}: it cannot be decrypted: it was cut or changed ({text})")
