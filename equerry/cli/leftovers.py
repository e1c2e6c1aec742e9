"""The record of what is running, and the end of what a killed `equerry up` left behind."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import msgspec
import psutil

from equerry.cli.process import Process

# psutil derives the start time from the boot time, which the clock's corrections move a little.
SAME_START_SECONDS = 2.0
TERM_SECONDS = 4.0
KILL_SECONDS = 4.0


class Entry(msgspec.Struct, frozen=True):
    """One process that was started: its group's id is its pid."""

    name: str
    pid: int
    created: float


def record(file: Path, processes: Iterable[Process]) -> None:
    """Write down what runs now, whole or not at all."""
    entries = [Entry(each.name, each.pid, each.created) for each in processes if each.running]
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(entries))
    new.replace(file)


def end(file: Path, data_path: Path) -> tuple[str, ...]:
    """End what the record names and is still the same process, with its group.

    Called under the lock of `equerry up`, so no live one owns them. Returns the names ended.
    A group whose leader is gone is ours only if its members carry our data directory in their
    environment: by then its number may be another's.
    """
    try:
        entries = msgspec.json.decode(file.read_bytes(), type=list[Entry])
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.MsgspecError):
        entries = []
    found = {entry.name: _members(entry, data_path) for entry in entries}
    members = [member for each in found.values() for member in each]
    for entry in entries:
        if found[entry.name]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(entry.pid, signal.SIGTERM)
    _, alive = psutil.wait_procs(members, TERM_SECONDS)
    for member in alive:
        with contextlib.suppress(psutil.Error):
            member.kill()
    psutil.wait_procs(alive, KILL_SECONDS)
    file.unlink(missing_ok=True)
    return tuple(name for name, each in found.items() if each)


def _members(entry: Entry, data_path: Path) -> list[psutil.Process]:
    leader_is_ours: bool | None = None
    with contextlib.suppress(psutil.Error):
        created = psutil.Process(entry.pid).create_time()
        leader_is_ours = abs(created - entry.created) <= SAME_START_SECONDS
    if leader_is_ours is False:
        return []
    return [
        each
        for each in psutil.process_iter()
        if _group(each) == entry.pid and (leader_is_ours or _carries(each, data_path))
    ]


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid)
    except (ProcessLookupError, PermissionError):
        return 0


def _carries(process: psutil.Process, data_path: Path) -> bool:
    try:
        environ: dict[str, str] = process.environ()
    except (psutil.Error, OSError):
        return False
    return environ.get("EQUERRY_DATA_DIR") == str(data_path)
