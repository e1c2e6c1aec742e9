"""The endpoints of uploads: what comes is bounded, checked, and kept for its project only."""

import gzip
import hashlib
import io
import json
import os
import time
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from operators import MakeToken
from werkzeug.test import TestResponse

from equerry.settings import Settings
from equerry.source_maps.chunks import CHUNK_BYTES
from equerry.source_maps.store import FOLDER
from equerry.tokens import Scope

ROOT = "/api/0/organizations/acme"
SCRIPT = {"url": "~/a.js", "type": "minified_source", "headers": {}}


@pytest.fixture
def token(make_token: MakeToken) -> dict[str, str]:
    """Return the header of a token that may write."""
    return make_token(Scope.WRITE)


def sha1(data: bytes) -> str:
    """Return what a chunk is called."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def bundle(manifest: Any = None) -> bytes:
    """Return a bundle with one script."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest or {"files": {"a": SCRIPT}}))
        archive.writestr("a", b"x()")
    return out.getvalue()


def send(
    client: FlaskClient,
    token: dict[str, str],
    data: bytes,
    name: str | None = None,
    field: str = "file",
) -> TestResponse:
    """Send one chunk."""
    named = sha1(data) if name is None else name
    body = gzip.compress(data, 1) if field == "file_gzip" else data
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="{named}"\r\n\r\n'
    return client.post(
        f"{ROOT}/chunk-upload/",
        data=head.encode() + body + b"\r\n--b--\r\n",
        headers=token,
        content_type="multipart/form-data; boundary=b",
    )


def assemble(
    client: FlaskClient, token: dict[str, str], parts: list[bytes], **fields: Any
) -> TestResponse:
    """Ask for chunks to be joined."""
    body = {
        "checksum": sha1(b"".join(parts)),
        "chunks": [sha1(each) for each in parts],
        "projects": ["web"],
        "version": "shop@1.2",
    }
    return client.post(f"{ROOT}/artifactbundle/assemble/", json=body | fields, headers=token)


@pytest.mark.parametrize("field", ["file", "file_gzip"])
def test_chunks_become_a_bundle(
    client: FlaskClient, token: dict[str, str], settings: Settings, field: str
) -> None:
    """What is missing is named, sent, joined, kept, and the chunks are gone."""
    whole = bundle()
    halves = [whole[:50], whole[50:]]
    first = assemble(client, token, halves)
    assert first.json == {
        "state": "not_found",
        "missingChunks": [sha1(each) for each in halves],
        "detail": None,
    }
    for half in halves:
        assert send(client, token, half, field=field).status_code == 200
    assert assemble(client, token, halves).json["state"] == "ok"
    root = settings.data_path / FOLDER
    assert [path.read_bytes() for path in root.glob("1/files/*/*")] == [b"x()"]
    assert [path.name for path in (root / "chunks").iterdir()] == ["lock"]
    assert assemble(client, token, halves).json["state"] == "ok"


@pytest.mark.parametrize(
    ("data", "name", "field", "says"),
    [
        (b"x", "0" * 40, "file", "came damaged"),
        (b"x", "../../evil", "file", "SHA-1 in hex"),
        (b"x", "", "file", "SHA-1 in hex"),
        (b"x", sha1(b"x").upper(), "file", "SHA-1 in hex"),
        (b"x", "0" * 40, "file_gzip", "came damaged"),
        (bytes(CHUNK_BYTES + 1), None, "file", "takes up to"),
        (bytes(4 * CHUNK_BYTES), "0" * 40, "file_gzip", "takes up to"),
    ],
)
def test_wrong_chunk_is_refused(
    client: FlaskClient,
    token: dict[str, str],
    settings: Settings,
    data: bytes,
    name: str | None,
    field: str,
    says: str,
) -> None:
    """A chunk that is not what its name says, or larger than it may be, is not kept."""
    answer = send(client, token, data, name, field)
    assert answer.status_code == 400
    assert says in answer.json["detail"]
    assert not list((settings.data_path / FOLDER).glob("chunks/*"))


def test_too_large_request_is_refused(client: FlaskClient, token: dict[str, str]) -> None:
    """More than one request may have is refused before it is read."""
    assert send(client, token, bytes(40 * 1024 * 1024)).status_code == 413


def test_chunk_that_is_no_gzip_is_refused(client: FlaskClient, token: dict[str, str]) -> None:
    """Bytes that are no gzip are named so."""
    answer = client.post(
        f"{ROOT}/chunk-upload/",
        data={"file_gzip": (io.BytesIO(b"\x1f\x8bno gzip"), "0" * 40)},
        headers=token,
    )
    assert answer.status_code == 400
    assert "no gzip" in answer.json["detail"]


def test_waiting_chunks_are_bounded_and_go(
    client: FlaskClient,
    token: dict[str, str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond their number chunks are refused; those of yesterday make room."""
    monkeypatch.setattr("equerry.source_maps.chunks.MAX_CHUNKS", 3)
    for number in range(3):
        assert send(client, token, b"chunk %d" % number).status_code == 200
    refused = send(client, token, b"one more")
    assert refused.status_code == 400
    assert "wait to be joined" in refused.json["detail"]
    yesterday = time.time() - 90_000
    for path in (settings.data_path / FOLDER / "chunks").iterdir():
        os.utime(path, (yesterday, yesterday))
    assert send(client, token, b"one more").status_code == 200


@pytest.mark.parametrize(
    ("fields", "state", "says"),
    [
        ({"checksum": "0" * 40}, "error", "another file"),
        ({"checksum": "../x"}, "error", "SHA-1"),
        ({"chunks": ["../../../etc/passwd"]}, "error", "SHA-1"),
        ({"version": "x" * 300}, "error", "version"),
        ({"version": ""}, "error", "a release is needed"),
    ],
)
def test_what_is_wrong_with_a_bundle_is_said(
    client: FlaskClient, token: dict[str, str], fields: Any, state: str, says: str
) -> None:
    """An error has its reason where sentry-cli prints it."""
    whole = bundle()
    send(client, token, whole)
    answer = assemble(client, token, [whole], **fields)
    assert answer.status_code == 200
    assert answer.json["state"] == state
    assert says in answer.json["detail"]


@pytest.mark.parametrize("projects", [[], ["shop"], ["web", "shop"]])
def test_unknown_projects_are_named(
    client: FlaskClient, token: dict[str, str], projects: list[str]
) -> None:
    """Without a known project nothing is kept."""
    answer = assemble(client, token, [bundle()], projects=projects)
    assert answer.status_code == 400


def test_reading_token_uploads_nothing(client: FlaskClient, make_token: MakeToken) -> None:
    """An upload needs the scope write."""
    reading = make_token(Scope.READ)
    assert send(client, reading, b"x").status_code == 403
    assert assemble(client, reading, [b"x"]).status_code == 403
    assert client.get(f"{ROOT}/chunk-upload/", headers=reading).status_code == 200
    assert client.get(f"{ROOT}/chunk-upload/").status_code == 401


def test_maps_are_never_served(client: FlaskClient, token: dict[str, str]) -> None:
    """No path under these endpoints gives a file back."""
    whole = bundle()
    send(client, token, whole)
    for path in (f"/chunk-upload/{sha1(whole)}", "/files/", "/releases/shop@1.2/files/"):
        answer = client.get(f"{ROOT}{path}", headers=token)
        assert b"x()" not in answer.data
        assert answer.status_code in {200, 404}


@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=300))
def test_any_bytes(client: FlaskClient, token: dict[str, str], body: bytes) -> None:
    """Random bytes are refused by each endpoint, not choked on."""
    for path in (
        f"{ROOT}/chunk-upload/",
        f"{ROOT}/artifactbundle/assemble/",
        f"{ROOT}/releases/",
        f"{ROOT}/releases/1/deploys/",
    ):
        kind = "multipart/form-data; boundary=b" if "chunk" in path else "application/json"
        answer = client.post(path, data=body, headers=token | {"Content-Type": kind})
        assert answer.status_code < 500
