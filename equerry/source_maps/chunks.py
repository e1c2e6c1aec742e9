"""Parts of uploads that wait to be joined: each by the SHA-1 of its bytes, as sentry-cli has it.

They are bounded in number and bytes, and what nobody joined within a day is removed.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from equerry.durable import fsync, write_all
from equerry.errors import SourceMapsRefused

CHUNK_BYTES = 8 * 1024 * 1024
MAX_CHUNKS = 4_096
WAIT_SECONDS = 86_400.0
STEP_BYTES = 1024 * 1024

_SHA1 = re.compile(r"[0-9a-f]{40}")


class Chunks:
    """The parts of all projects' uploads: whose they are, only the joining tells."""

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._folder = root / "chunks"
        self._max_bytes = max_bytes

    def put(self, name: str, data: bytes) -> None:
        """Keep a part. Raises SourceMapsRefused where it is not what its name says, or no room."""
        if not _SHA1.fullmatch(name):
            raise SourceMapsRefused(f"a chunk's name is its SHA-1 in hex, not {name[:60]!r}")
        if len(data) > CHUNK_BYTES:
            raise SourceMapsRefused(f"a chunk takes up to {CHUNK_BYTES:,} bytes")
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != name:
            raise SourceMapsRefused(f"the chunk {name} came damaged: its SHA-1 is another")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / name
        if path.exists():
            os.utime(path)
            return
        waiting = self._tidied()
        if len(waiting) >= MAX_CHUNKS or sum(waiting) + len(data) > self._max_bytes:
            raise SourceMapsRefused("too many chunks wait to be joined; they go after a day")
        fresh = self._folder / f"new-{secrets.token_hex(8)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
            fresh.rename(path)
            fsync(self._folder)
        finally:
            os.close(descriptor)
            fresh.unlink(missing_ok=True)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Return the parts that are not here. Raises SourceMapsRefused for what is no name."""
        if len(names) > MAX_CHUNKS:
            raise SourceMapsRefused(f"a bundle takes up to {MAX_CHUNKS:,} chunks")
        for name in names:
            if not _SHA1.fullmatch(name):
                raise SourceMapsRefused(f"a chunk's name is its SHA-1 in hex, not {name[:60]!r}")
        return [name for name in dict.fromkeys(names) if not (self._folder / name).exists()]

    @contextlib.contextmanager
    def joined(self, names: Sequence[str], checksum: str, max_bytes: int) -> Iterator[Path]:
        """Join parts to a file that is there for as long as one works with it.

        Raises SourceMapsRefused where the whole is larger, or its SHA-1 is not the checksum.
        """
        path = self._folder / f"new-{secrets.token_hex(8)}"
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as whole:  # noqa: PTH123 - a descriptor
                for name in names:
                    data = (self._folder / name).read_bytes()
                    size += len(data)
                    if size > max_bytes:
                        raise SourceMapsRefused(f"a bundle takes up to {max_bytes:,} bytes")
                    digest.update(data)
                    whole.write(data)
            if digest.hexdigest() != checksum:
                raise SourceMapsRefused("the chunks joined are another file: the SHA-1 differs")
            yield path
        except FileNotFoundError as error:
            raise SourceMapsRefused("a chunk went while the bundle was joined") from error
        finally:
            path.unlink(missing_ok=True)

    def remove(self, names: Sequence[str]) -> None:
        """Remove parts that were joined."""
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Join one upload at a time: a client that asks again meanwhile hears of the first."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._folder / "lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def tidy(self) -> int:
        """Remove what waited for more than a day; return how many parts still wait."""
        return len(self._tidied()) if self._folder.exists() else 0

    def _tidied(self) -> list[int]:
        """Remove what waited too long; return the sizes of what still waits."""
        sizes = []
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat()
                if entry.name == "lock":
                    continue
                if time.time() - found.st_mtime > WAIT_SECONDS:
                    Path(entry.path).unlink()
                else:
                    sizes.append(found.st_size)
        return sizes
