"""Encryption for age recipients: several keys, none of them private here, and every damage seen."""

import hashlib
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from pyrage import x25519

from equerry.backups import encryption, sealing
from equerry.backups.encryption import Identity
from equerry.backups.manifest import Collection, Consistency, Engine, File, Kind, Manifest
from equerry.errors import BackupError, SettingsError

# 64 KiB is age's own piece.
SIZES = (0, 1, 65_535, 65_536, 65_537, 200_000)


def key_pair() -> tuple[str, Identity]:
    """Return a fresh public key and its private one."""
    made = x25519.Identity.generate()
    return str(made.to_public()), made


@pytest.fixture
def dump(tmp_path: Path) -> tuple[Path, Manifest]:
    """Return a folder in the making, and its manifest."""
    folder = tmp_path / ".partial-b"
    (folder / "shop").mkdir(parents=True)
    files = []
    for size in SIZES:
        data = os.urandom(size)
        path = f"shop/c{size}.bson.gz"
        (folder / path).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        files.append(File(path=path, bytes=size, sha256=digest, documents=size))
    return folder, manifest_of(files)


def manifest_of(files: list[File]) -> Manifest:
    """Return the manifest of collections that have a data file each."""
    return Manifest(
        name="full-backup-20261125T020000Z",
        whole=True,
        created_at="2026-11-25T02:00:00.000Z",
        finished_at="2026-11-25T02:01:00.000Z",
        server="db:27017",
        server_version="7.0",
        engine=Engine.EQUERRY,
        engine_version="1",
        tool_version="0.1.0",
        made_on="host",
        consistency=Consistency.NONE,
        databases=("shop",),
        collections=tuple(
            Collection(
                db="shop",
                name=Path(each.path).name,
                kind=Kind.COLLECTION,
                uuid="",
                documents=each.documents,
                bytes=each.bytes,
                options=msgspec.Raw(b"{}"),
                indexes=msgspec.Raw(b"[]"),
                data=each.path,
                metadata="",
                content="",
            )
            for each in files
        ),
        files=tuple(files),
    )


def test_each_recipient_reads_all_of_it(dump: tuple[Path, Manifest]) -> None:
    """Two keys, one of them offline: either opens each file; the plain ones are gone."""
    folder, manifest = dump
    (one, first), (two, second) = key_pair(), key_pair()
    plain = {each.path: (folder / each.path).read_bytes() for each in manifest.files}
    told: list[int] = []
    sealed = sealing.seal(folder, manifest, [one, two], told.append)
    assert told == list(SIZES)
    assert {path.name for path in folder.glob("shop/*")} == {
        f"c{size}.bson.gz.age" for size in SIZES
    }
    assert sealed.encryption is not None
    assert sealed.encryption.recipients == (one, two)
    assert [each.data for each in sealed.collections] == [each.path for each in sealed.files]
    for file in sealed.files:
        data = (folder / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        was = plain[sealing.plain_path(file.path)]
        assert (file.plain_bytes, file.documents) == (len(was), len(was))
        assert file.plain_sha256 == hashlib.sha256(was).hexdigest()
        for key in (first, second):
            with sealing.opened(folder, file, [key]) as opened:
                assert opened.read() == was


def test_an_ssh_key_is_a_recipient(dump: tuple[Path, Manifest], tmp_path: Path) -> None:
    """An ed25519 key of ssh-keygen encrypts, and its private file decrypts."""
    folder, manifest = dump
    path = tmp_path / "id"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), "-C", "ops@host"]
    subprocess.run(made, check=True)
    sealed = sealing.seal(folder, manifest, [path.with_suffix(".pub").read_text().strip()])
    with sealing.opened(folder, sealed.files[-1], encryption.identities(path)) as opened:
        assert len(opened.read()) == SIZES[-1]


def test_age_keygens_file_is_an_identity(dump: tuple[Path, Manifest], tmp_path: Path) -> None:
    """With its comments, and with several keys in it."""
    folder, manifest = dump
    (_, other), (public, private) = key_pair(), key_pair()
    path = tmp_path / "key.txt"
    path.write_text(f"# created: 2026\n# public key: {public}\n{other}\n\n{private}\n")
    sealed = sealing.seal(folder, manifest, [public])
    with sealing.opened(folder, sealed.files[-1], encryption.identities(path)) as opened:
        assert len(opened.read()) == SIZES[-1]


def test_without_the_key_it_says_what_to_do(dump: tuple[Path, Manifest]) -> None:
    """No identity, or one that does not fit."""
    folder, manifest = dump
    sealed = sealing.seal(folder, manifest, [key_pair()[0]])
    for keys, said in (([], "--identity FILE"), ([key_pair()[1]], "none of the identities")):
        with (
            pytest.raises(BackupError, match=said),
            sealing.opened(folder, sealed.files[-1], keys) as opened,
        ):
            opened.read()


@pytest.mark.parametrize("size", SIZES)
def test_every_damage_is_seen(dump: tuple[Path, Manifest], size: int) -> None:
    """A cut at any kind of place and a flipped bit: an error, never a shorter or changed file."""
    folder, manifest = dump
    public, private = key_pair()
    sealed = sealing.seal(folder, manifest, [public])
    [file] = [each for each in sealed.files if each.plain_bytes == size]
    whole = (folder / file.path).read_bytes()
    header = len(whole) - size - 16 * max(1, -(-size // 65_536))
    pieces = [header + n * 65_552 for n in range(4)]
    chance = random.Random(size)
    cuts = [0, 1, header - 16, *pieces, len(whole) - 16, len(whole) - 1]
    damaged = [whole[:cut] for cut in cuts if cut < len(whole)] + [whole + b"x"]
    for at in [header - 1, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(20))]:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << chance.randrange(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        (folder / file.path).write_bytes(data)
        with pytest.raises(BackupError), sealing.opened(folder, file, [private]) as opened:
            opened.read(10)
    assert "decryption" not in {each.name for each in threading.enumerate()}


def test_a_file_that_changes_meanwhile_is_refused(dump: tuple[Path, Manifest]) -> None:
    """What is encrypted is what the manifest names, or nothing is."""
    folder, manifest = dump
    (folder / manifest.files[3].path).write_bytes(b"other")
    with pytest.raises(BackupError, match="changed while it was encrypted"):
        sealing.seal(folder, manifest, [key_pair()[0]])


def test_a_reader_may_leave(dump: tuple[Path, Manifest]) -> None:
    """An error in the midst of a file ends its thread, and is the error that is seen."""
    folder, manifest = dump
    public, private = key_pair()
    sealed = sealing.seal(folder, manifest, [public])

    def leave() -> None:
        with sealing.opened(folder, sealed.files[-1], [private]) as opened:
            opened.read(1)
            raise KeyError

    with pytest.raises(KeyError):
        leave()
    assert "decryption" not in {each.name for each in threading.enumerate()}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "is no public key"),
        ("age1qqqq", "age1qqqq"),
        ("ssh-dss AAAA", "is no public key"),
        ("ssh-ed25519 AAAA", "ssh-ed25519 AAAA"),
        ("AGE-SECRET-KEY-1QQQ", "private key .* off this machine"),
    ],
)
def test_what_is_no_recipient(key: str, said: str) -> None:
    """The setting is named, and a private key is not shown."""
    with pytest.raises(SettingsError, match=said) as caught:
        encryption.recipients([key])
    assert "QQQ" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no identity"),
        ("# only a comment", "holds no identity"),
        ("AGE-SECRET-KEY-1QQQ", "no identity can be read"),
        ("age-encryption.org/v1\n-> scrypt", "Decrypt it first"),
        ("x" * 70_000, "larger than"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "no identity can be read"),
    ],
)
def test_what_is_no_identity(tmp_path: Path, text: str, said: str) -> None:
    """The file is named, what it takes is said, and nothing of it is shown."""
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(BackupError, match=said) as caught:
        encryption.identities(path)
    assert "QQQ" not in str(caught.value)


def test_memory_is_bounded(tmp_path: Path) -> None:
    """A file of 96 MB passes through both ways within 60 MB of the process."""
    source = """
import hashlib, re, sys
from pathlib import Path
from pyrage import x25519
from equerry.backups import encryption
folder = Path(sys.argv[1]); own = x25519.Identity.generate()
with (folder / "plain").open("wb") as file:
    for _ in range(96): file.write(bytes(1 << 20))
with (folder / "plain").open("rb") as plain, (folder / "cipher").open("wb") as cipher:
    sizes = encryption.encrypt(plain, cipher, [own.to_public()])
digest = hashlib.sha256()
with encryption.decrypted(folder / "cipher", [own]) as back:
    while piece := back.read(1 << 20): digest.update(piece)
assert digest.hexdigest() == sizes.plain_sha256
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", source, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60_000
