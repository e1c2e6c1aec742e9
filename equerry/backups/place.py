"""The folder of the backups: one dump at a time, half ones told from whole ones.

A backup is made under `.partial-<name>` and renamed when every byte of it is on the disk, so a
folder with a backup's name is whole. Limits: the lock is a file lock, so the folder must lie on a
local disk, or be used by one machine only.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from equerry.backups import regular_file
from equerry.durable import fsync
from equerry.errors import BackupError

PARTIAL = ".partial-"
LOCK = ".lock"
WHOLE, PART = "full-backup-", "part-backup-"
NAME = re.compile(rf"(?:{WHOLE}|{PART})\d{{8}}T\d{{6}}Z")
# What is known of a backup since it was made lies beside it: the backup itself never changes.
RECORD_SUFFIX = ".json"


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder alone, to make or remove backups. Raises BackupError where another does."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(
            folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise BackupError(f"{folder}: {error.strerror}. backups.folder names it.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip()
            raise BackupError(
                f"{folder}: process {holder or 'unknown'} is making or removing backups there."
                " Wait until it is done; `equerry backup list` shows it."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_busy(folder: Path) -> bool:
    """Say whether a process is making or removing backups there."""
    try:
        with regular_file.opened(folder / LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # not there, or nothing that a dump could have made
        return False
    return False


def leftovers(folder: Path) -> list[Path]:
    """Return what dumps left that did not end, or are not over yet."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.name.startswith(PARTIAL))


def backups(folder: Path) -> list[Path]:
    """Return the folders of whole backups, the newest first."""
    if not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if NAME.fullmatch(path.name))
    return sorted(found, key=lambda path: path.name.rpartition("-")[2], reverse=True)


def clean(folder: Path) -> tuple[str, ...]:
    """Remove what killed dumps left, and return its names; the folder must be held. BackupError."""
    removed = leftovers(folder)
    for path in removed:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            raise BackupError(
                f"{path}: what a killed dump left cannot be removed: {error.strerror}. Remove it."
            ) from error
    return tuple(path.name for path in removed)


def free_name(folder: Path, now_ms: int, *, whole: bool) -> str:
    """Return the name of a new backup: of this second, or the next that has none."""
    second = now_ms // 1000
    while True:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        name = (WHOLE if whole else PART) + stamp
        if not (folder / name).exists():
            return name
        second += 1


@contextmanager
def partial(folder: Path, name: str) -> Iterator[Path]:
    """Yield a new folder to make the backup in; however it ends without `seal`, it is removed."""
    path = folder / f"{PARTIAL}{name}"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def seal(made: Path, name: str) -> Path:
    """Make a partial backup whole: its files are durable already, now their names are."""
    for parent, _, _ in os.walk(made):
        fsync(Path(parent))
    final = made.with_name(name)
    made.rename(final)
    fsync(final.parent)
    return final


def record(backup: Path, what: str) -> Path:
    """Return the file beside a backup that says something of it, e.g. `verified`."""
    return backup.with_name(f"{backup.name}.{what}{RECORD_SUFFIX}")
