"""The two endpoints that take reports: what they keep, and how they refuse."""

import gzip
import io
import json
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import msgspec
import pytest
import zstandard
from api_app import create_app
from flask.testing import FlaskClient
from known import WEB_KEY

from equerry import keys
from equerry.redis_client import Redis
from equerry.settings import Api, Project, Settings

KEY = {"X-Equerry-Key": WEB_KEY}
JSON = {**KEY, "Content-Type": "application/json"}


def kept(redis: Redis) -> list[dict[str, Any]]:
    """Return the reports that are in the stream."""
    rows = redis.xrange(keys.events("p1"))
    return [msgspec.json.decode(fields[b"d"]) for _, fields in rows]


def test_one_error(client: FlaskClient, redis: Redis) -> None:
    """202 and its id; the report is in the stream, with who sent it made anonymous."""
    answer = client.post(
        "/api/errors",
        json={"message": "boom", "handled": False, "tags": {"a": 1}},
        headers={**KEY, "User-Agent": "UA"},
    )
    assert answer.status_code == 202
    assert len(answer.get_json()["id"]) == 32
    [report] = kept(redis)
    assert (report["message"], report["handled"], report["tags"]) == ("boom", False, {"a": "1"})
    assert (report["user_agent"], report["address"]) == ("UA", "127.0.0.0/24")


def test_one_metric(client: FlaskClient, redis: Redis) -> None:
    """A web vital as the browser's library has it, sent as a beacon sends it."""
    body = json.dumps({"name": "LCP", "value": 1200.5, "id": "v5-1", "rating": "good", "delta": 3})
    answer = client.post(
        f"/api/performance/metrics?key={WEB_KEY}",
        data=body,
        content_type="text/plain;charset=UTF-8",
    )
    assert answer.status_code == 202
    [report] = kept(redis)
    assert (report["name"], report["value"]) == ("LCP", 1200.5)


def test_a_batch_takes_the_good_and_names_the_bad(client: FlaskClient, redis: Redis) -> None:
    """Two of three are kept; the third is named by its place and field."""
    answer = client.post(
        "/api/errors", json=[{"message": "a"}, {"level": "loud"}, {"message": "b"}], headers=KEY
    )
    assert answer.status_code == 202
    assert len(answer.get_json()["ids"]) == 2
    assert {cause["field"] for cause in answer.get_json()["causes"]} == {"[1].message", "[1].level"}
    assert [report["message"] for report in kept(redis)] == ["a", "b"]


def test_the_clients_own_id_is_kept_and_counts_once(client: FlaskClient, redis: Redis) -> None:
    """Sent again within the hour: accepted, with the same id, and there once."""
    event = {"message": "boom", "id": "AB" * 16}
    answers = [client.post("/api/errors", json=event, headers=KEY) for _ in range(3)]
    assert {answer.get_json()["id"] for answer in answers} == {"ab" * 16}
    assert len(kept(redis)) == 1


def _zstd_in_two_frames(raw: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor()
    return compressor.compress(raw[:10]) + compressor.compress(raw[10:])


def _raw_deflate(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(raw) + packer.flush()


ENCODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": ("gzip", lambda raw: gzip.compress(raw[:9]) + gzip.compress(raw[9:])),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd of two frames": ("zstd", _zstd_in_two_frames),
    "identity": ("identity", bytes),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings(client: FlaskClient, redis: Redis, name: str) -> None:
    """Every encoding that senders use is read."""
    encoding, pack = ENCODINGS[name]
    body = pack(json.dumps({"message": "x" * 5_000}).encode())
    answer = client.post("/api/errors", data=body, headers={**JSON, "Content-Encoding": encoding})
    assert answer.status_code == 202, answer.get_json()
    assert kept(redis)[0]["message"] == "x" * 5_000


@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "identity"])
def test_bombs_are_refused_before_they_grow(client: FlaskClient, name: str) -> None:
    """Ten megabytes in a few kilobytes: 413, and no more than the limit was ever inflated."""
    encoding, pack = ENCODINGS[name]
    body = pack(b"0" * 10_000_000)
    answer = client.post("/api/errors", data=body, headers={**JSON, "Content-Encoding": encoding})
    assert answer.status_code == 413
    assert answer.get_json()["causes"][0]["limit"].endswith("bytes")


@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "identity"])
def test_torn_encodings_are_refused(client: FlaskClient, name: str) -> None:
    """Half a body is not taken for a whole one."""
    encoding, pack = ENCODINGS[name]
    whole = pack(json.dumps({"message": "x" * 50}).encode())
    answer = client.post(
        "/api/errors", data=whole[:-6], headers={**JSON, "Content-Encoding": encoding}
    )
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"Content-Type": "application/json"}, 401, "X-Equerry-Key"),
        ({"Content-Type": "application/json", "X-Equerry-Key": "f" * 32}, 403, "X-Equerry-Key"),
        ({"Content-Type": "application/json", "X-Equerry-Key": "é"}, 403, "X-Equerry-Key"),
        ({**KEY, "Content-Type": "application/xml"}, 415, "Content-Type"),
        ({**KEY}, 415, "Content-Type"),
        ({**JSON, "Content-Encoding": "lzma"}, 415, "Content-Encoding"),
        ({**JSON, "Content-Encoding": "gzip, br"}, 415, "Content-Encoding"),
        ({**JSON, "Content-Encoding": "gzip"}, 400, "body"),
    ],
)
def test_refusals_name_what_is_wrong(
    client: FlaskClient, headers: dict[str, str], status: int, field: str
) -> None:
    """Each refusal has its status, and names the header or field."""
    answer = client.post("/api/errors", data=b'{"message":"x"}', headers=headers)
    assert answer.status_code == status
    assert answer.get_json()["causes"][0]["field"] == field


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"message":NaN}',
        b"[" * 50_000,
        b'{"message":1}',
        b'\xff\xfe{\x00"\x00',
        b'{"message":"x","timestamp":1e308}',
        b'{"message":"x","retry_count":99999999999999999999999999}',
        b"[" + b"{}," * 100 + b"{}]",
    ],
)
def test_what_is_no_report_is_400(client: FlaskClient, redis: Redis, body: bytes) -> None:
    """Never a 500, and nothing of it is kept."""
    answer = client.post("/api/errors", data=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.get_json()["causes"]
    assert kept(redis) == []


def test_too_large_is_413(client: FlaskClient) -> None:
    """Above 256 KiB by its own word."""
    answer = client.post("/api/errors", data=b" " * 262_145, headers=JSON)
    assert answer.status_code == 413


def test_a_chunked_body_is_counted_while_it_is_read(client: FlaskClient, redis: Redis) -> None:
    """Without a Content-Length nothing is cut silently: whole, or refused."""
    for size, status in ((100_000, 202), (300_000, 413)):
        body = json.dumps({"message": "x", "extra": {"a": "y" * size}}).encode()
        answer = client.post(
            "/api/errors",
            input_stream=io.BytesIO(body),
            headers={**JSON, "Transfer-Encoding": "chunked"},
            environ_overrides={"CONTENT_LENGTH": "", "wsgi.input_terminated": True},
        )
        assert answer.status_code == status
    assert len(kept(redis)) == 1


def test_origins(redis: Redis, settings: Settings) -> None:
    """A project with a list of origins takes no page of another; servers send no origin."""
    del redis
    project = Project(id=1, slug="web", key=WEB_KEY, origins=("https://good.test",))
    client = create_app(
        msgspec.structs.replace(settings, projects=(project,), api=Api())
    ).test_client()
    for origin, status in (("https://good.test", 202), ("https://bad.test", 403), (None, 202)):
        headers = {**JSON} | ({"Origin": origin} if origin else {})
        answer = client.post("/api/errors", data=b'{"message":"x"}', headers=headers)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_preflight(client: FlaskClient) -> None:
    """A browser may ask first, and learns what it may read of an answer."""
    answer = client.options("/api/errors", headers={"Origin": "https://x.test"})
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "X-Equerry-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "X-Sentry-Rate-Limits" in answer.headers["Access-Control-Expose-Headers"]
    assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]


def test_only_reports_are_for_pages(client: FlaskClient) -> None:
    """A page reads the answer to a report, refusals too; not how this installation is."""
    headers = {"Origin": "https://x.test"}
    for path in ("/api/errors", "/api/performance/metrics"):
        for answer in (client.post(path, headers=headers), client.get(path, headers=headers)):
            assert answer.status_code >= 400
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    for path in ("/metrics", "/api/infrastructure/health", "/livez", "/readyz", "/nowhere"):
        for answer in (client.get(path, headers=headers), client.options(path, headers=headers)):
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_every_report_has_a_number(client: FlaskClient) -> None:
    """Taken or refused: X-Request-Id is what the log knows it by, each its own."""
    answers = [
        client.post("/api/errors", data=b'{"message":"x"}', headers=JSON),
        client.post("/api/errors", data=b"{", headers=JSON),
        client.post("/api/errors", data=b"{}", headers={"Content-Type": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [202, 400, 401]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 3


def test_over_the_rate(redis: Redis, settings: Settings) -> None:
    """429 with both headers, as browsers and SDKs read them; counted by reason."""
    limited = Api(rate_per_address=1.0, burst_seconds=1.0)
    client = create_app(msgspec.structs.replace(settings, api=limited)).test_client()
    answers = [client.post("/api/errors", json={"message": "x"}, headers=KEY) for _ in range(4)]
    refused = answers[-1]
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert wait >= 1
    assert refused.headers["X-Sentry-Rate-Limits"] == f"{wait}:error:organization:rate-address"
    assert int(redis.hget(keys.refusals("p1"), "rate-address")) >= 1


def test_forwarded_addresses_are_believed_from_the_right_only(
    redis: Redis, settings: Settings
) -> None:
    """A client that writes the header itself does not get another bucket for each lie."""
    trusted = Api(rate_per_address=0.0, trusted_proxies=("127.0.0.0/8", "10.0.0.0/8"))
    client = create_app(msgspec.structs.replace(settings, api=trusted)).test_client()
    for forwarded in ("6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9", "lie, 203.0.113.9"):
        client.post(
            "/api/errors", json={"message": "x"}, headers={**KEY, "X-Forwarded-For": forwarded}
        )
    assert {report["address"] for report in kept(redis)} == {"203.0.113.0/24"}


def test_unknown_paths_and_methods_are_json(client: FlaskClient) -> None:
    """No page of a framework's, whatever is asked."""
    assert client.get("/nowhere").get_json()["detail"]
    answer = client.get("/api/errors")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
