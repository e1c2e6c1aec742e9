"""The backups that are there, and what is known of each, without reading them through."""

from enum import StrEnum
from pathlib import Path

import msgspec

from equerry.backups import manifest, place, records
from equerry.backups.manifest import Manifest
from equerry.backups.records import Verified
from equerry.errors import BackupError


class State(StrEnum):
    """How far a backup can be relied on.

    proven: it was read back, and every byte of it was right. unread: nobody read it back yet.
    sealed: read back as far as it goes without a private key. faulty: something is wrong with it.
    """

    PROVEN = "proven"
    SEALED = "sealed"
    UNREAD = "unread"
    FAULTY = "faulty"

    @property
    def is_good(self) -> bool:
        """Whether it may be called a backup: it was read back."""
        return self in {State.PROVEN, State.SEALED}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A backup. manifest: None where it cannot be read; says: what is wrong, in words."""

    name: str
    path: Path
    state: State
    manifest: Manifest | None = None
    verified: Verified | None = None
    says: str = ""


def entries(folder: Path) -> list[Entry]:
    """Return the whole backups, the newest first; half ones are `place.leftovers`."""
    return [entry(path) for path in place.backups(folder)]


def entry(path: Path) -> Entry:
    """Look at a backup: its manifest, the sizes of its files, its records."""
    try:
        data = manifest.read_bytes(path)
        held = manifest.decode(data, path / manifest.FILE)
    except BackupError as error:
        return Entry(name=path.name, path=path, state=State.FAULTY, says=str(error))
    verified = records.read(path, data)
    says = _says(path, held, verified)
    return Entry(
        name=path.name,
        path=path,
        state=_state(verified, says),
        manifest=held,
        verified=verified,
        says=says,
    )


def find(folder: Path, name: str) -> Path:
    """Return the folder of a backup that is named, or of the newest (`latest`). BackupError."""
    there = place.backups(folder)
    if name == "latest" and there:
        return there[0]
    for path in there:
        if path.name == name:
            return path
    if not there:
        raise BackupError(f"{folder}: there are no backups. `equerry backup create` makes one.")
    raise BackupError(f"no backup {name!r}; `equerry backup list` shows what there is")


def used_bytes(there: list[Entry]) -> int:
    """Return what the backups take on the disk, by what their manifests say."""
    return sum(each.manifest.stored_bytes for each in there if each.manifest)


def _says(path: Path, held: Manifest, verified: Verified | None) -> str:
    if held.name != path.name:
        return f"its manifest is of {held.name}"
    for each in held.files:
        try:
            size = (path / each.path).lstat().st_size
        except OSError:
            return f"{each.path} is missing"
        if size != each.bytes:
            return f"{each.path} has {size:,} bytes instead of {each.bytes:,}"
    if verified and verified.faults:
        first = verified.faults[0]
        return f"{first.path}: {first.says}" if first.path else first.says
    return ""


def _state(verified: Verified | None, says: str) -> State:
    if says:
        return State.FAULTY
    if verified is None:
        return State.UNREAD
    return State.PROVEN if verified.read else State.SEALED
