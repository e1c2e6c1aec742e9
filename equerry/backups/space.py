"""The room for a dump: a budget for all backups, and what must stay free on the disk."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from equerry.errors import BackupError

# isal's level 1 made 3.3 of JSON-like documents; what is compressed already stays as it is.
DEFAULT_RATIO = 0.5
CHECK_EVERY_BYTES = 64 * 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What bounds a dump. used_bytes: by the backups that are there; max_bytes: 0 is no budget."""

    max_bytes: int
    used_bytes: int
    free_bytes: int
    min_free_bytes: int

    def refusal(self, wanted_bytes: int) -> str:
        """Return why so many more bytes are too many, and what to do; empty where they fit."""
        if self.max_bytes and self.used_bytes + wanted_bytes > self.max_bytes:
            return (
                f"backups may take {self.max_bytes:,} bytes (backups.max_bytes): those that are"
                f" there take {self.used_bytes:,}, this one about {wanted_bytes:,}. Remove old ones"
                " or raise the budget."
            )
        if self.free_bytes - wanted_bytes < self.min_free_bytes:
            return (
                f"the disk has {self.free_bytes:,} bytes free, this backup takes about"
                f" {wanted_bytes:,}, and {self.min_free_bytes:,} must stay free"
                " (backups.min_free_bytes). Remove old backups, or set backups.folder to a larger"
                " disk."
            )
        return ""


def estimate(plain_bytes: int, earlier: Sequence[tuple[int, int]]) -> int:
    """Return what a dump of so many bytes will take.

    earlier: (plain, stored) bytes of backups that are there, the newest first. A backup of nearly
    nothing is mostly metadata and tells no ratio: nothing takes more than it is.
    """
    plain, stored = next((pair for pair in earlier if pair[0]), (1, 0))
    ratio = min(1.0, stored / plain) if stored else DEFAULT_RATIO
    return round(plain_bytes * ratio)


def free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write there."""
    held = os.statvfs(folder)
    return held.f_bavail * held.f_frsize


class Room:
    """What a running dump takes: the estimate may be wrong, the limits are not. Thread-safe."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._limits = limits
        self._lock = threading.Lock()
        self._taken = 0
        self._checked = 0

    def take(self, size_bytes: int) -> None:
        """Count bytes that are about to be written. Raises BackupError where they are too many."""
        with self._lock:
            self._taken += size_bytes
            if self._taken - self._checked >= CHECK_EVERY_BYTES:
                self._checked = self._taken
                now_free = free_bytes(self._folder)
                self._limits = msgspec.structs.replace(
                    self._limits, free_bytes=now_free + self._taken
                )
            refusal = self._limits.refusal(self._taken)
        if refusal:
            raise BackupError(refusal)

    def give_back(self, size_bytes: int) -> None:
        """Count bytes that were removed again."""
        with self._lock:
            self._taken -= size_bytes
            self._checked = min(self._checked, self._taken)
