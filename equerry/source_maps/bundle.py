"""Reads artifact bundles: the zip with a manifest.json that sentry-cli and bundler plugins send.

Nothing in it is believed: names never become paths, sizes are counted and not read, and what could
make the reader itself large (directory, manifest, compression) is bounded before it is parsed.
"""

import errno
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from equerry.errors import SourceMapsRefused
from equerry.events import limits
from equerry.source_maps.artefact import URL_CHARS, Incoming, Kind, debug_id

MAX_FILES = 20_000
DIRECTORY_MAX_BYTES = 8 * 1024 * 1024
MANIFEST = "manifest.json"
MANIFEST_MAX_BYTES = 16 * 1024 * 1024
# As much as is kept of an event's: a longer one would never be found.
RELEASE_CHARS = limits.RELEASE

_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_END_64_MARK = b"PK\x06\x07"
_END_64_BYTES = 20
_ENCRYPTED = 0x1
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class _File(msgspec.Struct, frozen=True):
    url: str = ""
    type: str = ""
    headers: dict[str, str] = {}


class _Manifest(msgspec.Struct, frozen=True):
    files: dict[str, _File] = {}
    release: str | None = None
    dist: str | None = None


class Bundle(msgspec.Struct, frozen=True):
    """A bundle that is open. release and dist: as its manifest names them, or empty."""

    release: str
    dist: str
    files: tuple[Incoming, ...]


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Open a bundle. Raises SourceMapsRefused, here and where its files are read."""
    with translated(), path.open("rb") as file:
        _check_end(file)
        with zipfile.ZipFile(file) as archive:
            yield _read(archive)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a damaged zip makes the library raise into SourceMapsRefused."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error) as error:
        raise SourceMapsRefused(f"the bundle is damaged: {error}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a seek to where a forged directory points
            raise
        raise SourceMapsRefused("the bundle is damaged: its directory is elsewhere") from error
    except (NotImplementedError, RuntimeError, ValueError, OverflowError) as error:
        raise SourceMapsRefused(f"the bundle cannot be read: {error}") from error


def _check_end(file: BinaryIO) -> None:
    """Bound the directory before zipfile reads it: a claim of 4 GB would be read into memory."""
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        raise SourceMapsRefused("the bundle is no zip: it is too short")
    file.seek(max(0, size - _END.size - _END_64_BYTES))
    tail = file.read()
    mark, _, _, _, count, directory_bytes, _, comment = _END.unpack(tail[-_END.size :])
    if mark != _END_MARK or comment:
        raise SourceMapsRefused("the bundle is no zip, or has bytes after its end")
    if _END_64_MARK in tail[: -_END.size]:
        raise SourceMapsRefused("the bundle is a zip64: a bundle has at most 20,000 files")
    if count > MAX_FILES + 1 or directory_bytes > DIRECTORY_MAX_BYTES:
        raise SourceMapsRefused(f"the bundle has more than {MAX_FILES:,} files")
    file.seek(0)


def _read(archive: zipfile.ZipFile) -> Bundle:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if member.filename in members:
            raise SourceMapsRefused(f"two files of the bundle are named {member.filename[:200]!r}")
        if member.compress_type not in _PACKED or member.flag_bits & _ENCRYPTED:
            raise SourceMapsRefused(
                f"{member.filename[:200]!r} is encrypted, or packed otherwise than by deflate"
            )
        members[member.filename] = member
    manifest = _manifest(archive, members.get(MANIFEST))
    if len(manifest.files) > MAX_FILES:
        raise SourceMapsRefused(f"the manifest names more than {MAX_FILES:,} files")
    files = []
    for name, file in manifest.files.items():
        if name not in members:
            raise SourceMapsRefused(f"the manifest names {name[:200]!r}, which is not there")
        incoming = _incoming(archive, members[name], file)
        if incoming:
            files.append(incoming)
    return Bundle(
        checked(manifest.release, "release"), checked(manifest.dist, "dist"), tuple(files)
    )


def checked(text: str | None, what: str) -> str:
    """Return a release or dist, or raise SourceMapsRefused."""
    text = (text or "").strip()
    if len(text) > RELEASE_CHARS or not text.isprintable():
        raise SourceMapsRefused(f"{what}: takes up to {RELEASE_CHARS} printable characters")
    return text


def _manifest(archive: zipfile.ZipFile, member: zipfile.ZipInfo | None) -> _Manifest:
    if member is None:
        raise SourceMapsRefused(f"the bundle has no {MANIFEST}")
    with archive.open(member) as file:
        raw = file.read(MANIFEST_MAX_BYTES + 1)
    if len(raw) > MANIFEST_MAX_BYTES:
        raise SourceMapsRefused(f"{MANIFEST} is larger than {MANIFEST_MAX_BYTES:,} bytes")
    try:
        return msgspec.json.decode(raw, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceMapsRefused(f"{MANIFEST}: {error}") from error


def _incoming(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: _File) -> Incoming | None:
    """Return what to keep of a file; None for kinds that no frame of a browser or server needs."""
    try:
        kind = Kind(file.type)
    except ValueError:
        return None
    if not file.url or len(file.url) > URL_CHARS or not file.url.isprintable():
        raise SourceMapsRefused(f"the manifest gives {member.filename[:200]!r} no usable url")
    headers = {name.lower(): text for name, text in file.headers.items() if text.isprintable()}
    return Incoming(
        url=file.url,
        kind=kind,
        open=lambda: archive.open(member),  # type: ignore[arg-type, return-value]
        debug_id=debug_id(headers.get("debug-id", "")),
        mapped_by=(headers.get("sourcemap") or headers.get("x-sourcemap", ""))[:URL_CHARS],
    )
