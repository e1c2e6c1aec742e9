"""Writes a file of the dump: one gzip member for each batch, hashed while it is written."""

import hashlib
import os
from pathlib import Path

from isal import igzip

from equerry.backups.manifest import File
from equerry.backups.space import Room
from equerry.durable import write_all
from equerry.errors import BackupError

# 446 MB/s for 3.26 times smaller, against zlib 6's 26 MB/s for 4.08 times.
LEVEL = 1


class Sink:
    """A new file below the backup's folder. Raises BackupError where it cannot be written.

    path: relative, as the manifest names it. A name that is there already is refused: on a disk
    that knows no capitals, `Orders` and `orders` are one.
    """

    def __init__(self, folder: Path, path: str, room: Room) -> None:
        self.path = path
        self._room = room
        self._file = folder / path
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        self._bytes = 0
        self._hash = hashlib.sha256()
        try:
            self._descriptor = os.open(
                self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
        except FileExistsError as error:
            raise BackupError(
                f"{path}: two collections have this file name on this disk; it seems to know no"
                " capitals. Set backups.folder to another disk."
            ) from error

    def write(self, batch: bytes) -> None:
        """Append a batch as a member of its own."""
        member = igzip.compress(batch, LEVEL, mtime=0)
        self._room.take(len(member))
        write_all(self._descriptor, member)
        self._hash.update(member)
        self._bytes += len(member)

    def restart(self) -> None:
        """Forget what was written."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self._room.give_back(self._bytes)
        self._bytes = 0
        self._hash = hashlib.sha256()

    def finish(self, documents: int = 0) -> File:
        """Make the file durable and return its entry in the manifest. Empty: one empty member."""
        if not self._bytes:
            self.write(b"")
        os.fsync(self._descriptor)
        self.close()
        return File(
            path=self.path, bytes=self._bytes, sha256=self._hash.hexdigest(), documents=documents
        )

    def close(self) -> None:
        """Let go of the file; again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Remove the file."""
        self.close()
        self._room.give_back(self._bytes)
        self._file.unlink(missing_ok=True)
