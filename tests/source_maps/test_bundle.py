"""Any bytes as a bundle: kept, or refused in words."""

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equerry.errors import SourceMapsRefused
from equerry.settings import SourceMaps
from equerry.source_maps import bundle
from equerry.source_maps.artefact import Kind
from equerry.source_maps.store import FOLDER, Store, Upload

SCRIPT = {"url": "~/a.js", "type": "minified_source", "headers": {"sourcemap": "a.js.map"}}
GOOD = {"files": {"files/a.js": SCRIPT}, "release": "shop@1.2"}
MIB = 1024 * 1024


def packed(
    manifest: Any = GOOD,
    members: dict[str, bytes] | None = None,
    *,
    how: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """Return a bundle with this manifest (text is taken as it is)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        text = manifest if isinstance(manifest, str | bytes) else json.dumps(manifest)
        archive.writestr("manifest.json", text)
        for name, data in ({"files/a.js": b"x"} if members is None else members).items():
            archive.writestr(name, data)
    return out.getvalue()


def take(folder: Path, data: bytes, limits: SourceMaps | None = None) -> Store:
    """Read the bytes as a bundle and keep its files."""
    folder.mkdir(exist_ok=True)
    path = folder / "bundle"
    path.write_bytes(data)
    store = Store(folder / FOLDER, 1)
    with bundle.opened(path) as opened:
        store.add(opened.files, Upload(opened.release or "r", "", 1), limits or SourceMaps())
    return store


def test_good_bundle_is_kept(tmp_path: Path) -> None:
    """A bundle's files are kept under the URLs of its manifest, whatever stands before the zip."""
    for prefix in (b"", b"SYSB\x02\x00\x00\x00"):
        store = take(tmp_path, prefix + packed())
        [file] = store.folder.glob("files/*/*")
        assert file.read_bytes() == b"x"


def end_claims(data: bytes, offset: int, number: bytes) -> bytes:
    """Return the zip with a figure of its end record forged."""
    at = len(data) - 22 + offset
    return data[:at] + number + data[at + len(number) :]


def duplicated() -> bytes:
    """Return a zip with two files of one name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", json.dumps(GOOD))
        archive.writestr("files/a.js", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("files/a.js", b"y")
    return out.getvalue()


def many(count: int) -> dict[str, Any]:
    """Return a manifest that names one file so many times."""
    return {"files": {f"files/{number}": SCRIPT for number in range(count)}}


HOSTILE = {
    "nothing": (b"", "too short"),
    "text": (b"hello world, this is no zip at all", "no zip"),
    "cut": (packed()[:-10], "no zip"),
    "bytes behind": (packed() + b"more", "no zip"),
    "claims 65,535 files": (end_claims(packed(), 10, b"\xff\xff"), "more than 20,000"),
    "claims a directory of 4 GB": (end_claims(packed(), 12, b"\xff\xff\xff\xff"), "more than"),
    "directory elsewhere": (end_claims(packed(), 16, b"\xf0\xff\xff\x00"), "damaged"),
    "no manifest": (packed().replace(b"manifest.json", b"manifest.jsoX"), "no manifest.json"),
    "manifest is a list": (packed([]), "manifest.json"),
    "manifest is no JSON": (packed("{"), "manifest.json"),
    "manifest is deep": (packed("[" * 100_000), "manifest.json"),
    "manifest is not UTF-8": (packed(b'{"files":{"\xff":{}}}'), "manifest.json"),
    "manifest bomb": (packed(b" " * 17 * MIB), "larger than"),
    "file that is not there": (packed(GOOD, {}), "which is not there"),
    "more files than there may be": (packed(many(20_001)), "more than 20,000"),
    "no url": (packed({"files": {"files/a.js": {"type": "minified_source"}}}), "usable url"),
    "url with a NUL": (packed({"files": {"files/a.js": SCRIPT | {"url": "a\0b"}}}), "usable url"),
    "lone surrogate": (packed({"files": {"files/a.js": SCRIPT | {"url": "\ud800"}}}), "."),
    "release of a novel": (packed(GOOD | {"release": "x" * 300}), "release"),
    "packed by bzip2": (packed(how=zipfile.ZIP_BZIP2), "otherwise than by deflate"),
    "packed by LZMA": (packed(how=zipfile.ZIP_LZMA), "otherwise than by deflate"),
    "two of one name": (duplicated(), "two files"),
    "only unknown kinds": (
        packed({"files": {"files/a.js": SCRIPT | {"type": "indexed_ram_bundle"}}}),
        "no script",
    ),
    "encrypted": (packed().replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"), "encrypted"),  # noqa: E501
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bundle_is_refused_in_words(tmp_path: Path, name: str) -> None:
    """Each is refused, and says what is wrong."""
    data, says = HOSTILE[name]
    with pytest.raises(SourceMapsRefused, match=says):
        take(tmp_path, data)


def test_bomb_is_cut_off(tmp_path: Path) -> None:
    """A file that unpacks to more than a file may have is not unpacked further."""
    bomb = packed(GOOD, {"files/a.js": bytes(64 * MIB)})
    assert len(bomb) < MIB
    with pytest.raises(SourceMapsRefused, match="max_file_bytes"):
        take(tmp_path, bomb, SourceMaps(max_file_bytes=MIB))
    assert not list((tmp_path / FOLDER).rglob("new-*"))


def test_one_file_named_often_counts_each_time(tmp_path: Path) -> None:
    """A small zip whose manifest names its one file again and again is bounded by the bundle."""
    member = {f"files/{number}": bytes(MIB) for number in range(20)}
    manifest = {"files": {name: SCRIPT | {"url": f"~/{name}"} for name in member}}
    with pytest.raises(SourceMapsRefused, match="max_bundle_bytes"):
        take(tmp_path, packed(manifest, member), SourceMaps(max_bundle_bytes=10 * MIB))


def test_traversal_stays_inside(tmp_path: Path) -> None:
    """Names that climb are keys and nothing else."""
    name = "../../../evil.js"
    store = take(tmp_path, packed({"files": {name: SCRIPT | {"url": name}}}, {name: b"x"}))
    assert len(list(store.folder.glob("files/*/*"))) == 1
    assert not list(tmp_path.rglob("*evil*"))


FRESH = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FRESH
@given(st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    """Random bytes are refused with SourceMapsRefused and nothing else."""
    with pytest.raises(SourceMapsRefused):
        take(tmp_path, data)


@FRESH
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_any_damage(tmp_path: Path, at: int, bytes_: bytes) -> None:
    """A good bundle with bytes overwritten is kept or refused, never anything else."""
    good = packed()
    at %= len(good)
    with contextlib.suppress(SourceMapsRefused):
        take(tmp_path, good[:at] + bytes_ + good[at + len(bytes_) :])


@FRESH
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["files", "url", "type", "headers", "release", "files/a.js", "dist"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_manifest(tmp_path: Path, manifest: Any) -> None:
    """Any JSON as a manifest is kept or refused."""
    with contextlib.suppress(SourceMapsRefused):
        take(tmp_path, packed(manifest))


def test_kinds_are_sentrys() -> None:
    """The kinds that are kept are called as sentry-cli calls them."""
    assert {kind.value for kind in Kind} == {"minified_source", "source_map", "source"}
