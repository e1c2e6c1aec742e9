"""Backups that somebody else laid there: nothing hangs, crashes or leads out of the folder."""

import gzip
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import bson
import made_backup
import pytest

from equerry import settings as tree
from equerry.backups import catalogue, manifest, place, reading_back, records, verify
from equerry.backups.catalogue import State
from equerry.backups.records import What
from equerry.backups.signature import Key
from equerry.errors import BackupError

Replace = Callable[[Path], None]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Return a whole backup."""
    return made_backup.backup(tmp_path)


def faults(backup: Path) -> set[tuple[str, What]]:
    """Read it back, and return the faults without their words."""
    trusted = verify.trusted_keys(backup.parents[1], ())
    return {(each.path, each.what) for each in verify.verify(backup, trusted, 0).faults}


def as_pipe(path: Path) -> None:
    """Put a pipe in a file's place, which nobody writes to."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def as_link(path: Path) -> None:
    """Move a file elsewhere and put a link to it in its place."""
    elsewhere = path.parents[2] / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("replace", [as_pipe, as_link])
@pytest.mark.parametrize(
    ("path", "what"),
    [
        (manifest.FILE, What.MANIFEST),
        (manifest.SIGNATURE_FILE, What.SIGNATURE),
        ("shop/orders.bson.gz", What.NO_FILE),
    ],
)
def test_a_pipe_or_link_is_a_fault(backup: Path, path: str, what: What, replace: Replace) -> None:
    """In the place of any file it is told, not waited for and not followed."""
    replace(backup / path)
    assert faults(backup) == {(path, what)}
    catalogue.entry(backup)


@pytest.mark.timeout(10)
def test_pipes_beside_the_backup_do_not_hang_the_list(backup: Path) -> None:
    """A record or a lock that is a pipe is none."""
    as_pipe(place.record(backup, records.VERIFIED))
    as_pipe(backup.parent / place.LOCK)
    assert catalogue.entry(backup).state is State.UNREAD
    assert not place.is_busy(backup.parent)


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """What it leads to is not emptied."""
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / place.LOCK).symlink_to(tmp_path / "precious")
    with pytest.raises(BackupError), place.exclusive(tmp_path / "backups"):
        pass
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_leftovers_that_are_no_folders_are_removed(tmp_path: Path) -> None:
    """A file or a link that is named as one goes; what the link leads to stays."""
    (tmp_path / "kept").mkdir()
    (tmp_path / f"{place.PARTIAL}link").symlink_to(tmp_path / "kept")
    (tmp_path / f"{place.PARTIAL}file").touch()
    assert len(place.clean(tmp_path)) == 2
    assert not place.leftovers(tmp_path)
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize("text", [b'{"x":' + b"[" * 9_000, b"{}", b"\xff"])
def test_an_unreadable_signature_or_record_is_no_crash(backup: Path, text: bytes) -> None:
    """However deep it is nested."""
    (backup / manifest.SIGNATURE_FILE).write_bytes(text)
    place.record(backup, records.VERIFIED).write_bytes(text)
    assert faults(backup) == {(manifest.SIGNATURE_FILE, What.SIGNATURE)}
    assert catalogue.entry(backup).state is State.UNREAD


@pytest.mark.parametrize("time", [b"", b"yesterday", b"\\u001b[2J", b"0001-01-01T00:00:00"])
def test_a_time_that_is_none_makes_a_manifest_none(backup: Path, time: bytes) -> None:
    """It would end the list of all backups, or steer the terminal."""
    data = (backup / manifest.FILE).read_bytes().replace(b"2026-11-25T02:00:00.000Z", time)
    (backup / manifest.FILE).write_bytes(data)
    (backup / manifest.SIGNATURE_FILE).write_bytes(Key(backup.parents[1]).sign(data))
    assert faults(backup) == {(manifest.FILE, What.MANIFEST)}
    assert catalogue.entry(backup).state is State.FAULTY


def test_a_backup_that_is_a_file_is_faulty(backup: Path) -> None:
    """The list goes on."""
    shutil.rmtree(backup)
    backup.touch()
    assert catalogue.entry(backup).state is State.FAULTY


def test_more_than_was_dumped_is_not_read_on(backup: Path) -> None:
    """A file that unpacks to a million tiny documents is told after the first pieces."""
    tiny = bson.encode({})
    (backup / "shop/orders.bson.gz").write_bytes(gzip.compress(tiny * 20_000_000, 1)[:60_000])
    (backup / "prelude.json.gz").write_bytes(gzip.compress(b" " * 100_000_000, 1)[:60_000])
    began = time.process_time()
    trusted = verify.trusted_keys(backup.parents[1], ())
    verified = verify.verify(backup, trusted, 0)
    assert {each.path for each in verified.faults} == {"shop/orders.bson.gz", "prelude.json.gz"}
    assert time.process_time() - began < 3


def test_a_sparse_file_is_not_read_to_its_end(backup: Path) -> None:
    """Nor a file of a terabyte that takes no room."""
    os.truncate(backup / "shop/orders.bson.gz", 1 << 40)
    assert faults(backup) == {("shop/orders.bson.gz", What.SIZE)}


def test_a_backup_of_very_many_faults_is_still_faulty(backup: Path) -> None:
    """What is kept of the faults stays small enough to be read again."""
    for number in range(1_100):
        (backup / f"extra{number}").touch()
    settings = tree.Settings(data_dir=str(backup.parents[1]))
    assert len(reading_back.prove(settings, backup, 0).faults) == 1_100
    entry = catalogue.entry(backup)
    assert entry.state is State.FAULTY
    assert entry.verified is not None
    assert len(entry.verified.faults) == reading_back.FAULTS_KEPT
