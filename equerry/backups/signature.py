"""Ed25519 signatures of manifests: this machine's key, and the public keys that are believed.

A public key is shown as its 32 bytes in base64. `manifest.json.sig` names the key that made it, so
that an unknown one can be told from a wrong signature.
"""

import base64
import binascii
import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from equerry.durable import fsync, write_all
from equerry.errors import BackupError

KEY_FILE = "backup-signing-key.pem"
ALGORITHM = "ed25519"
MAX_BYTES = 10_000


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in `manifest.json.sig`. key, signature: base64."""

    algorithm: str
    key: str
    signature: str


class Key:
    """The key of this machine. Raises BackupError where its file cannot be made or read."""

    def __init__(self, data_path: Path) -> None:
        self.path = data_path / KEY_FILE
        try:
            if not self.path.exists():
                _make(self.path)
            private = serialization.load_pem_private_key(self.path.read_bytes(), None)
        except OSError as error:
            raise BackupError(f"{self.path}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise BackupError(
                f"{self.path}: this is no private key. Bring it back from a copy, or move it away:"
                " then a new one is made, and the old one's public part must be trusted"
                " (backups.trusted_keys) for the earlier backups."
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise BackupError(f"{self.path}: this is no Ed25519 key")
        self._private = private

    @property
    def public(self) -> str:
        """The public part."""
        return _text(self._private.public_key())

    @property
    def public_pem(self) -> str:
        """The public part, as OpenSSL reads it."""
        return (
            self._private.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def sign(self, data: bytes) -> bytes:
        """Return what is written into the signature's file."""
        signature = base64.b64encode(self._private.sign(data)).decode()
        return msgspec.json.encode(
            Signature(algorithm=ALGORITHM, key=self.public, signature=signature)
        )


def own_public(data_path: Path) -> str:
    """Return this machine's public key, empty where it has none yet; none is made."""
    return Key(data_path).public if (data_path / KEY_FILE).exists() else ""


def refusal(data: bytes, signature: bytes, trusted: frozenset[str]) -> str:
    """Return why the data is not believed; empty where a trusted key signed it."""
    try:
        said = msgspec.json.decode(signature, type=Signature)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(said.key, validate=True))
        made = base64.b64decode(said.signature, validate=True)
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        return "the signature cannot be read"
    if said.algorithm != ALGORITHM:
        return "the signature is of another algorithm than ed25519"
    try:
        public.verify(made, data)
    except InvalidSignature:
        return "the signature is not of this manifest: one of them was changed"
    if _text(public) not in trusted:
        return (
            f"it is signed with the key {_text(public)}, which this machine does not trust. If that"
            " is the machine that made it (`equerry backup keys` there), add the key to"
            " backups.trusted_keys."
        )
    return ""


def _text(public: Ed25519PublicKey) -> str:
    return base64.b64encode(public.public_bytes_raw()).decode()


def _make(path: Path) -> None:
    """Make a key of mode 600, whole or not at all; where two do it at once, the first counts."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, pem)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(new, path)
        fsync(path.parent)
    except FileExistsError:
        pass
    finally:
        new.unlink()
