"""Reading a backup back: a whole one has no fault, and every fault of every file is found."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import made_backup
import pytest

from equerry import settings as tree
from equerry.backups import catalogue, manifest, place, reading_back, records, verify
from equerry.backups.catalogue import State
from equerry.backups.records import Verified, What
from equerry.clock import parse_ms

NOW_MS = parse_ms("2026-11-25T03:00:00Z")
GZIP_HEAD = b"\x1f\x8b\x08"
# All files that a backup of `made_backup` has.
FILES = (
    "manifest.json",
    "manifest.json.sig",
    "prelude.json.gz",
    "shop/customers.bson.gz",
    "shop/customers.metadata.json.gz",
    "shop/open.metadata.json.gz",
    "shop/orders.bson.gz",
    "shop/orders.metadata.json.gz",
)


@pytest.fixture
def data_path(tmp_path: Path) -> Path:
    """Return a data directory with one whole backup."""
    made_backup.backup(tmp_path)
    return tmp_path


@pytest.fixture
def backup(data_path: Path) -> Path:
    """Return that backup."""
    return data_path / "backups" / made_backup.NAME


def read_back(backup: Path) -> Verified:
    """Read it back, trusting this machine's key."""
    trusted = verify.trusted_keys(backup.parents[1], ())
    return verify.verify(backup, trusted, NOW_MS)


def found(backup: Path) -> set[tuple[str, What]]:
    """Return the faults, without their words."""
    return {(each.path, each.what) for each in read_back(backup).faults}


def test_a_whole_backup_has_no_fault(backup: Path) -> None:
    """What was just made is right to the last byte, and says how much was read."""
    verified = read_back(backup)
    assert not verified.faults
    assert verified.read
    assert verified.documents == 120
    assert verified.bytes == manifest.read(backup).stored_bytes
    present = sorted(each.relative_to(backup).as_posix() for each in backup.rglob("*.*"))
    assert present == sorted(FILES)


@pytest.mark.parametrize("path", FILES)
def test_a_flipped_bit_is_found(backup: Path, path: str) -> None:
    """Wherever a bit of a file is flipped, verification tells of it."""
    file = backup / path
    whole = file.read_bytes()
    bits = random.Random(path).sample(range(len(whole) * 8), 40)
    for bit in bits:
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        assert read_back(backup).faults, f"bit {bit}"
    file.write_bytes(whole)
    assert not read_back(backup).faults


def _member_starts(data: bytes) -> list[int]:
    return [at for at in range(1, len(data)) if data.startswith(GZIP_HEAD, at)]


@pytest.mark.parametrize("path", FILES)
def test_a_cut_file_is_found(backup: Path, path: str) -> None:
    """Cut inside a member, between two, after the first byte or to nothing: all are found."""
    file = backup / path
    whole = file.read_bytes()
    cuts = {0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1, *_member_starts(whole)}
    for cut in cuts:
        file.write_bytes(whole[:cut])
        assert any(path in each.path for each in read_back(backup).faults), cut


def test_a_cut_between_members_is_no_gzip_fault(backup: Path) -> None:
    """What mongorestore takes for whole, a file cut at a member's end, lacks documents here."""
    path = "shop/orders.bson.gz"
    whole = (backup / path).read_bytes()
    starts = _member_starts(whole)
    assert len(starts) >= 2
    (backup / path).write_bytes(whole[: starts[-1]])
    assert found(backup) == {(path, What.SIZE), (path, What.HASH), (path, What.COUNT)}


@pytest.mark.parametrize("path", FILES)
def test_a_missing_file_is_found(backup: Path, path: str) -> None:
    """Each file's absence is named."""
    (backup / path).unlink()
    what = {
        "manifest.json": What.MANIFEST,
        "manifest.json.sig": What.SIGNATURE,
    }.get(path, What.MISSING)
    assert found(backup) == {(path, what)}


def test_swapped_files_are_found(backup: Path) -> None:
    """Two whole files in each other's place are told by name."""
    one, other = backup / "shop/orders.bson.gz", backup / "shop/customers.bson.gz"
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)
    assert {
        ("shop/orders.bson.gz", What.SWAPPED),
        ("shop/customers.bson.gz", What.SWAPPED),
    } <= found(backup)


@pytest.mark.parametrize("path", ["extra", "shop/other.bson.gz", "blog/posts.bson.gz", ".hidden"])
def test_an_extra_file_is_found(backup: Path, path: str) -> None:
    """A file that no one dumped, and its folder, are named."""
    (backup / path).parent.mkdir(exist_ok=True)
    (backup / path).write_bytes(b"")
    assert (path, What.EXTRA) in found(backup)


def test_a_link_is_no_file(backup: Path) -> None:
    """A link in a file's place is a fault, even to the same bytes."""
    path = backup / "shop/orders.bson.gz"
    path.rename(backup.parent / "elsewhere")
    path.symlink_to(backup.parent / "elsewhere")
    assert found(backup) == {("shop/orders.bson.gz", What.NO_FILE)}


def test_an_older_manifest_is_found(data_path: Path, backup: Path) -> None:
    """A manifest of an earlier backup, rightly signed, does not pass for this one's."""
    older = made_backup.backup(data_path, "full-backup-20261124T020000Z", first=500)
    for name in (manifest.FILE, manifest.SIGNATURE_FILE):
        shutil.copy(older / name, backup / name)
    faults = found(backup)
    assert (manifest.FILE, What.NAME) in faults
    assert ("shop/orders.bson.gz", What.HASH) in faults


def test_an_older_backup_under_a_newer_name_is_found(data_path: Path, backup: Path) -> None:
    """A whole older backup in a newer one's place is told by its manifest's name."""
    older = made_backup.backup(data_path, "full-backup-20261124T020000Z", first=500)
    shutil.rmtree(backup)
    older.rename(backup)
    assert found(backup) == {(manifest.FILE, What.NAME)}


def test_a_foreign_signature_is_found(tmp_path: Path, backup: Path) -> None:
    """A backup that another machine signed is believed only where its key is trusted."""
    foreign = made_backup.backup(tmp_path / "foreign")
    (tmp_path / "foreign/backups/x").mkdir()
    trusted = verify.trusted_keys(backup.parents[1], ())
    [fault] = verify.verify(foreign, trusted, NOW_MS).faults
    assert fault.what is What.SIGNATURE
    assert "backups.trusted_keys" in fault.says
    theirs = verify.trusted_keys(tmp_path / "foreign", ())
    assert not verify.verify(foreign, trusted | theirs, NOW_MS).faults


def test_a_newer_manifest_is_refused_by_its_version(backup: Path) -> None:
    """A manifest of a later Equerry is not half understood."""
    path = backup / manifest.FILE
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    [fault] = read_back(backup).faults
    assert fault.what is What.MANIFEST
    assert "version 2" in fault.says


def _renamed(path: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data.replace(b"shop/orders.bson.gz", path)


@pytest.mark.parametrize(
    "change",
    [
        lambda _data: b"",
        lambda _data: b"{}",
        lambda _data: b"[" * 100_000,
        lambda _data: b"\xff\xfe",
        _renamed(b"../../etc/passwd"),
        _renamed(b"/etc/passwd"),
        _renamed(b"shop/customers.bson.gz"),
    ],
)
def test_a_hostile_manifest_is_refused(backup: Path, change: Callable[[bytes], bytes]) -> None:
    """What is no manifest, or names files outside of the backup, is one fault and no crash."""
    path = backup / manifest.FILE
    path.write_bytes(change(path.read_bytes()))
    [fault] = read_back(backup).faults
    assert fault.what is What.MANIFEST


def test_the_record_tells_the_list_what_was_proven(tmp_path: Path) -> None:
    """A backup is unread, then proven, and faulty once a fault was found; the newest is first."""
    settings = tree.Settings(data_dir=str(tmp_path))
    older = made_backup.backup(tmp_path, "full-backup-20261124T020000Z")
    newer = made_backup.backup(tmp_path)
    assert [each.name for each in catalogue.entries(tmp_path / "backups")] == [
        newer.name,
        older.name,
    ]
    assert catalogue.entry(newer).state is State.UNREAD
    reading_back.prove(settings, newer, NOW_MS)
    assert catalogue.entry(newer).state is State.PROVEN
    path = newer / "shop/orders.bson.gz"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    reading_back.prove(settings, newer, NOW_MS)
    assert catalogue.entry(newer).state is State.FAULTY


def test_a_record_counts_for_its_manifest_only(tmp_path: Path) -> None:
    """Another manifest under a proven backup's name is not proven."""
    settings = tree.Settings(data_dir=str(tmp_path))
    backup = made_backup.backup(tmp_path)
    reading_back.prove(settings, backup, NOW_MS)
    shutil.rmtree(backup)
    made_backup.backup(tmp_path, first=7)
    assert place.record(backup, records.VERIFIED).exists()
    assert catalogue.entry(backup).state is State.UNREAD


@pytest.mark.parametrize("path", ["shop/orders.bson.gz", "shop/open.metadata.json.gz"])
def test_the_list_sees_missing_and_cut_files_at_once(backup: Path, path: str) -> None:
    """Without being read through, a backup that lacks a file or bytes is no good one."""
    os.truncate(backup / path, 5)
    assert catalogue.entry(backup).state is State.FAULTY
    (backup / path).unlink()
    assert catalogue.entry(backup).state is State.FAULTY
