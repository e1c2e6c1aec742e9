"""Drives the `mongodump` program, and believes only what its files hold.

Its exit code says little: a dump that lost a collection may end with 0. So every file is read once
it is there, and the counts that the program reported must be those of its files.
"""

import hashlib
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from equerry.backups import documents, gzip_file, metadata, names
from equerry.backups.collection_dump import GONE, Dumped, collected
from equerry.backups.documents import Content
from equerry.backups.listing import Found, Listing
from equerry.backups.manifest import File, Kind, LeftOut
from equerry.backups.progress import Counter, Watcher
from equerry.durable import fsync
from equerry.errors import BackupError

PROGRAM = "mongodump"
NOTE = "mongodump reads one collection after the other, each as it is then"
TICK_SECONDS = 0.2
END_SECONDS = 10.0
LINES_KEPT = 20
_DONE = re.compile(r"\bdone dumping (.+) \((\d+) documents?\)$")
_VERSION = re.compile(r"mongodump version:\s*(\S+)")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What the program brought home."""

    dumped: tuple[Dumped, ...]
    version: str


def run(uri: str, listed: Listing, partial: Path, watch: Watcher) -> Run:
    """Dump what is listed into the folder. Raises BackupError; what `watch` raises ends it."""
    counter = Counter(len(listed.found), sum(each.size_bytes for each in listed.found))
    reported: dict[str, int] = {}
    with _config(uri) as config:
        for database in listed.databases:
            if any(each.db == database for each in listed.found):
                skipped = [each.name for each in listed.left_out if each.db == database]
                arguments = [f"--config={config}", "--gzip", f"--out={partial}", f"--db={database}"]
                arguments += [f"--excludeCollection={name}" for name in skipped if name]
                reported |= _run(arguments, counter, watch)
    dumped = [_read(each, partial, reported) for each in listed.found]
    _remove_others(partial, dumped)
    return Run(dumped=tuple(dumped), version=_version())


@contextmanager
def _config(uri: str) -> Iterator[Path]:
    """Yield a file with the address: on the command line every user would see the password."""
    with tempfile.TemporaryDirectory(prefix="equerry-") as folder:
        path = Path(folder) / "mongodump.yaml"
        path.touch(mode=0o600)
        path.write_bytes(b"uri: " + msgspec.json.encode(uri) + b"\n")
        yield path


def _version() -> str:
    said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = _VERSION.search(said.stdout)
    return found[1] if found else "unknown"


def _run(arguments: list[str], counter: Counter, watch: Watcher) -> dict[str, int]:
    """Run the program to its end; return namespace → documents, as it reports them."""
    try:
        process = subprocess.Popen(  # noqa: S603
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise BackupError(
            "mongodump is not installed here (backups.engine). Install MongoDB's database tools, or"
            ' take engine = "equerry".'
        ) from error
    lines: list[str] = []
    reported: dict[str, int] = {}
    assert process.stderr is not None  # noqa: S101 - it is a pipe
    reader = threading.Thread(
        target=_listen, args=(process.stderr, lines, reported, counter), daemon=True
    )
    reader.start()
    try:
        while reader.is_alive():
            reader.join(TICK_SECONDS)
            watch(counter.read())
        code = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stderr.close()
    if code:
        said = names.shown(" / ".join(lines[-3:]))
        raise BackupError(f"mongodump ended with {code}: {said}")
    return reported


def _listen(stderr: IO[str], lines: list[str], reported: dict[str, int], counter: Counter) -> None:
    for line in stderr:
        lines.append(line.strip())
        del lines[:-LINES_KEPT]
        if done := _DONE.search(line.strip()):
            reported[done[1]] = int(done[2])
            counter.begin(done[1])
            counter.add(int(done[2]), 0)
            counter.end(done[1])


def _read(found: Found, partial: Path, reported: dict[str, int]) -> Dumped:
    """Read what lies there of a collection; it must be what was reported. Raises BackupError."""
    name = names.shown(found.namespace)
    data_path = names.data(found.db, found.source)
    metadata_path = names.metadata(found.db, found.name)
    if not (partial / metadata_path).exists():
        if found.namespace in reported:
            raise BackupError(f"mongodump wrote no metadata of {name}")
        return Dumped(left_out=LeftOut(db=found.db, name=found.name, why=GONE))
    said, described = _metadata(partial, metadata_path)
    content, data = Content(), None
    if found.kind is not Kind.VIEW:
        content = _content(partial / data_path, name)
        told = reported.get(found.namespace, reported.get(f"{found.db}.{found.source}"))
        if told != content.documents:
            counted = "nothing" if told is None else f"{told:,} documents"
            raise BackupError(
                f"mongodump reported {counted} of {name}, its file holds {content.documents:,}"
            )
        data = _file(partial, data_path, content.documents)
    return collected(found, said, content, data, described)


def _metadata(partial: Path, path: str) -> tuple[metadata.Metadata, File]:
    with (partial / path).open("rb") as file:
        said = metadata.decode(b"".join(gzip_file.pieces(file)))
    return said, _file(partial, path, 0)


def _content(path: Path, name: str) -> Content:
    content = Content()
    try:
        with path.open("rb") as file:
            for whole in documents.split(gzip_file.pieces(file)):
                content.add(whole)
    except FileNotFoundError as error:
        raise BackupError(f"mongodump wrote no documents of {name}") from error
    except BackupError as error:
        raise BackupError(f"mongodump's file of {name} is damaged: {error}") from error
    return content


def _file(partial: Path, path: str, count: int) -> File:
    """Make a file durable and return its entry in the manifest."""
    fsync(partial / path)
    with (partial / path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    return File(path=path, bytes=size, sha256=digest, documents=count)


def _remove_others(partial: Path, dumped: list[Dumped]) -> None:
    """Remove what the program wrote of collections that were created after the listing."""
    kept = {file.path for each in dumped for file in each.files}
    for parent, _, files in os.walk(partial):
        for name in files:
            path = Path(parent) / name
            if path.relative_to(partial).as_posix() not in kept:
                path.unlink()
