"""What is kept is whole, bounded, private, and goes when nobody needs it."""

import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from equerry.errors import SourceMapsRefused
from equerry.settings import SourceMaps
from equerry.source_maps import expiry, index
from equerry.source_maps.artefact import Incoming, Kind
from equerry.source_maps.store import FOLDER, Store, Upload

NOW_MS = 1_764_000_000_000
DAY_MS = 86_400_000
MAP = b'{"version":3,"sources":["a.js"],"names":[],"mappings":"AAAA","sourcesContent":["x"]}'


def incoming(url: str = "~/a.js", data: bytes = b"x", kind: Kind = Kind.MINIFIED) -> Incoming:
    """Return a file of an upload."""
    return Incoming(url, kind, lambda: io.BytesIO(data))


def files(store: Store) -> set[Path]:
    """Return the kept files."""
    return set(store.folder.glob("files/*/*"))


def uploads(store: Store) -> list[index.Kept]:
    """Return the kept uploads."""
    with index.connected(store.index_path) as connection:
        return index.uploads(connection)


def test_names_from_outside_are_no_paths(store: Store, limits: SourceMaps, tmp_path: Path) -> None:
    """Whatever a file calls itself, it lies under its digest, in folders for the owner only."""
    urls = ("../../../../evil.js", "/etc/passwd", "~/\u202e/x.js", "C:\\a.js", "~/" + "a" * 2_000)
    rows = store.add(
        [incoming(url, str(number).encode()) for number, url in enumerate(urls)],
        Upload("../..", "/", NOW_MS),
        limits,
    )
    assert {path.name for path in files(store)} == {row.digest for row in rows}
    inside = store.folder.parent
    for path in tmp_path.rglob("*"):
        assert path.is_relative_to(inside) or inside.is_relative_to(path)
    for path in [store.folder, *store.folder.rglob("*")]:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_same_upload_is_kept_once(store: Store, limits: SourceMaps) -> None:
    """A build that is uploaded again is one upload, as young as its last."""
    for now_ms in (NOW_MS, NOW_MS + 5):
        store.add([incoming()], Upload("r", "", now_ms), limits)
    [kept] = uploads(store)
    assert kept.uploaded_ms == NOW_MS + 5
    assert len(files(store)) == 1


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (SourceMaps(max_file_bytes=3), "max_file_bytes"),
        (SourceMaps(max_bundle_bytes=7), "max_bundle_bytes"),
        (SourceMaps(max_bytes=7), "max_bytes"),
    ],
)
def test_limits_refuse_the_whole_upload(store: Store, limits: SourceMaps, says: str) -> None:
    """Beyond a limit nothing of an upload is to be found, and the limit is named."""
    two = [incoming("~/a.js", b"abcd"), incoming("~/b.js", b"efgh")]
    with pytest.raises(SourceMapsRefused, match=says):
        store.add(two, Upload("r", "", NOW_MS), limits)
    assert not store.index_path.exists() or not uploads(store)
    assert not list(store.folder.glob("new-*"))


def test_endless_file_is_cut_off(store: Store) -> None:
    """A file that claims little and gives without end is refused once its limit is passed."""

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    endless = Incoming("~/a.js", Kind.MINIFIED, lambda: io.BufferedReader(Endless()))
    with pytest.raises(SourceMapsRefused, match="max_file_bytes"):
        store.add([endless], Upload("r", "", NOW_MS), SourceMaps(max_file_bytes=1_000_000))


@pytest.mark.parametrize(
    ("given", "release", "says"),
    [
        ([], "r", "no script and no source map"),
        ([incoming(kind=Kind.SOURCE)], "r", "no script and no source map"),
        ([incoming()], "", "a release is needed"),
    ],
)
def test_what_could_not_be_found_again_is_refused(
    store: Store, limits: SourceMaps, given: list[Incoming], release: str, says: str
) -> None:
    """An upload without scripts, or with neither debug ids nor a release, is told so."""
    with pytest.raises(SourceMapsRefused, match=says):
        store.add(given, Upload(release, "", NOW_MS), limits)


def test_unused_uploads_go(data: Path, store: Store, limits: SourceMaps) -> None:
    """After unused_days an upload and its bytes are removed; what another upload has stays."""
    shared = incoming("~/shared.js", b"shared")
    store.add([incoming("~/a.js", b"old"), shared], Upload("old", "", NOW_MS), limits)
    store.add([incoming("~/a.js", b"new"), shared], Upload("new", "", NOW_MS + 80 * DAY_MS), limits)
    for path in files(store):
        os.utime(path, (NOW_MS / 1000, NOW_MS / 1000))
    gone = expiry.expire(data, 1, NOW_MS + 91 * DAY_MS, 90)
    assert gone == (1, 1)
    assert [each.release for each in uploads(store)] == ["new"]
    assert {path.read_bytes() for path in files(store)} == {b"new", b"shared"}


def test_used_uploads_stay(data: Path, store: Store, limits: SourceMaps) -> None:
    """An old upload that resolved something lately is kept."""
    store.add([incoming()], Upload("old", "", NOW_MS), limits)
    later = NOW_MS + 200 * DAY_MS
    for path in files(store):
        os.utime(path, (later / 1000, later / 1000))
    assert expiry.expire(data, 1, later + DAY_MS, 90) == (0, 0)


KILLED = """
    import io, os, signal, sys
    from pathlib import Path
    from equerry.settings import SourceMaps
    from equerry.source_maps.artefact import Incoming, Kind
    from equerry.source_maps.store import Store, Upload

    class Dying(io.BytesIO):
        def read(self, size=-1):
            part = super().read(4)
            if not part:
                os.kill(os.getpid(), signal.SIGKILL)
            return part

    whole = Incoming("~/a.js", Kind.MINIFIED, lambda: io.BytesIO(b"whole"))
    dying = Incoming("~/b.js", Kind.MINIFIED, lambda: Dying(b"dying half"))
    store = Store(Path(sys.argv[1]), 1)
    store.add([whole, dying], Upload("killed", "", 1), SourceMaps())
"""


def test_kill_leaves_no_half_upload(data: Path, store: Store, limits: SourceMaps) -> None:
    """A process that is killed while it writes leaves nothing to be found, and nothing for long."""
    store.add([incoming()], Upload("before", "", NOW_MS), limits)
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(data / FOLDER)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [each.release for each in uploads(store)] == ["before"]
    assert list(store.folder.glob("new-*"))
    assert expiry.expire(data, 1, NOW_MS, 90).files == 2
    assert [path.read_bytes() for path in files(store)] == [b"x"]
