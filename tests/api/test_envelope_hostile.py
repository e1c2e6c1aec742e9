"""Envelopes from whoever means harm: never a 500, bounded memory, text that stays text."""

import gzip
import io
import json
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import msgspec
import pytest
import zstandard
from api_app import create_app
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from known import WEB_KEY

from api import body
from api.app import build
from api.uploads import LARGE_PER_BUCKET
from equerry import keys
from equerry.redis_client import Redis, connect
from equerry.settings import Api, Settings
from equerry.settings import Redis as RedisSettings
from equerry.stream.acceptor import Acceptor
from equerry.stream.door import Door
from equerry.stream.spool import Spool

AUTH = {"X-Sentry-Auth": f"Sentry sentry_key={WEB_KEY}"}
PATH = "/api/1/envelope/"
FRESH = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def envelope(event: dict[str, Any], type_: str = "event") -> bytes:
    """Return an envelope of one item."""
    return b"{}\n" + json.dumps({"type": type_}).encode() + b"\n" + json.dumps(event).encode()


def kept(redis: Redis) -> list[dict[str, Any]]:
    """Return what is in the stream."""
    return [msgspec.json.decode(fields[b"d"]) for _, fields in redis.xrange(keys.events("p1"))]


@FRESH
@given(
    path=st.sampled_from(
        [PATH, "/api/1/store/", "/api/1/security/", "/api/reports", "/api/1/cron/m/"]
    ),
    raw=st.binary(max_size=300)
    | st.binary(max_size=200).map(lambda tail: b'{}\n{"type":"event"}\n' + tail)
    | st.binary(max_size=200).map(lambda tail: b'{}\n{"type":"log","length":9}\n' + tail),
    encoding=st.sampled_from(["", "gzip", "br", "zstd", "deflate"]),
)
def test_any_bytes(client: FlaskClient, path: str, raw: bytes, encoding: str) -> None:
    """Random bytes are taken or refused at every endpoint, not choked on."""
    answer = client.post(path, data=raw, headers={**AUTH, "Content-Encoding": encoding})
    assert answer.status_code == 200 or 400 <= answer.status_code < 500


@FRESH
@given(
    name=st.sampled_from(["X-Sentry-Auth", "Authorization", "Origin", "User-Agent"]),
    value=st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40)
    | st.sampled_from(["Sentry", "Sentry ,", "sentry_key", "Basic", "Basic gA==", "Sentry a=b=c"]),
    dsn=st.none() | st.text(max_size=20) | st.integers() | st.lists(st.none()),
)
def test_any_header(client: FlaskClient, name: str, value: str, dsn: object) -> None:
    """Whatever is said of the key, in a header or the envelope."""
    raw = json.dumps({"dsn": dsn}).encode()
    assert client.post(PATH, data=raw, headers={name: value}).status_code < 500


@pytest.mark.parametrize("encoding", PACKED)
def test_bombs(client: FlaskClient, encoding: str) -> None:
    """Hundreds of megabytes in one are refused, and never more than the limit is inflated."""
    bomb = PACKED[encoding](b"0" * 200_000_000)
    headers = {**AUTH, "Content-Encoding": encoding}
    tracemalloc.start()
    try:
        assert client.post(PATH, data=bomb, headers=headers).status_code == 413
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * body.ENVELOPE.raw_bytes


def test_gzip_of_many_members(client: FlaskClient) -> None:
    """A body of tens of thousands of empty members is refused before it costs anything."""
    headers = {**AUTH, "Content-Encoding": "gzip"}
    answer = client.post(PATH, data=gzip.compress(b"") * 40_000, headers=headers)
    assert answer.status_code == 400


def test_large_bodies_are_few_at_a_time(redis: Redis, settings: Settings) -> None:
    """Who drips large bodies holds the places for them, and no one's usual report waits."""
    del redis
    app = create_app(msgspec.structs.replace(settings, api=Api(rate_per_address=0.0)))
    large = envelope({"message": "m", "extra": {"x": "y" * (body.SMALL_BYTES + 1)}})
    held = threading.Barrier(LARGE_PER_BUCKET + 1)
    freed = threading.Event()

    class Dripping(io.BytesIO):
        """Gives its first part at once, and waits before the rest."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > body.SMALL_BYTES:
                held.wait(10)
                freed.wait(10)
            return super().read(size)

    statuses: list[int] = []

    def send(stream: io.BytesIO) -> None:
        overrides = {"CONTENT_LENGTH": str(len(large))}
        answer = app.test_client().post(
            PATH, input_stream=stream, headers=AUTH, environ_overrides=overrides
        )
        statuses.append(answer.status_code)

    dripping = [
        threading.Thread(target=send, args=(Dripping(large),)) for _ in range(LARGE_PER_BUCKET)
    ]
    for thread in dripping:
        thread.start()
    held.wait(10)
    send(io.BytesIO(large))
    answer = app.test_client().post(PATH, data=envelope({"message": "m"}), headers=AUTH)
    freed.set()
    for thread in dripping:
        thread.join(10)
    assert (statuses[0], answer.status_code) == (429, 200)
    assert statuses[1:] == [200] * LARGE_PER_BUCKET


def test_hostile_text_is_text(client: FlaskClient, redis: Redis) -> None:
    """Markup, terminal codes and other scripts are kept as they were sent; nothing reads them."""
    text = "<script>alert(1)</script>\x1b[31m\u202e{{7*7}}${x}"
    event = {
        "exception": {"values": [{"type": text, "value": text}]},
        "tags": {text: text},
        "transaction": text,
    }
    answer = client.post(PATH, data=envelope(event), headers=AUTH)
    assert answer.mimetype == "application/json"
    [report] = kept(redis)
    assert (report["name"], report["message"], report["transaction"]) == (text, text, text)
    assert report["tags"] == {text: text}


def test_a_flood_of_tags(client: FlaskClient, redis: Redis) -> None:
    """The first hundred are kept, in either form."""
    names = [f"tag{number}" for number in range(20_000)]
    for tags in (dict.fromkeys(names, "x"), [[name, "x"] for name in names]):
        assert client.post(PATH, data=envelope({"tags": tags}), headers=AUTH).status_code == 200
    assert [len(report["tags"]) for report in kept(redis)] == [100, 100]


def test_deep_and_wide(client: FlaskClient, redis: Redis) -> None:
    """64 levels are read and cut to seven; more are refused with the item's name."""
    for depth, status in ((60, 200), (70, 400), (100_000, 400)):
        raw = b'{}\n{"type":"event"}\n{"extra":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        assert client.post(PATH, data=raw, headers=AUTH).status_code == status
    assert len(kept(redis)) == 1


@pytest.mark.parametrize("field", ["logentry", "message"])
def test_deep_params_of_a_message(client: FlaskClient, field: str) -> None:
    """What is put into a message is read as deep as everything else is, and never a 500."""
    statuses = set()
    for depth in range(940, 1000):
        params = b"[" * depth + b"]" * depth
        raw = b'{}\n{"type":"event"}\n{"%b":{"message":"%%s","params":%b}}'
        answer = client.post(PATH, data=raw % (field.encode(), params), headers=AUTH)
        statuses.add(answer.status_code)
    assert statuses == {400}


def test_the_rate_counts_what_is_taken(redis: Redis, settings: Settings) -> None:
    """A flood is refused at the door, before anybody has worked on it: nothing drains here."""
    limited = Api(rate_per_address=0.0, rate_per_key=1.0, burst_seconds=5.0)
    client = create_app(msgspec.structs.replace(settings, api=limited)).test_client()
    raw = b"{}\n" + b'{"type":"event"}\n{"message":"m"}\n' * 3
    statuses = [client.post(PATH, data=raw, headers=AUTH).status_code for _ in range(6)]
    assert statuses == [200, 200, 429, 429, 429, 429]
    assert len(kept(redis)) == 6


def test_redis_away_and_the_spool_full(settings: Settings, tmp_path: Path) -> None:
    """First 429, and 503 once that has not helped; each says how long to wait in both headers."""
    now = [1_000.0]
    queue = msgspec.structs.replace(settings.queue, spool_max_bytes=10)
    away = msgspec.structs.replace(settings, redis=RedisSettings(url=f"unix://{tmp_path}/none"))
    door = Door(connect(away.redis_url), queue)
    acceptor = Acceptor(door, Spool(tmp_path / "spool", 10), lambda: now[0])
    client = build(away, acceptor).test_client()
    for status in (429, 503):
        answer = client.post(PATH, data=envelope({}), headers=AUTH)
        assert answer.status_code == status
        wait = answer.headers["Retry-After"]
        assert answer.headers["X-Sentry-Rate-Limits"] == f"{wait}::organization:spool-full"
        now[0] += 61.0
    # What nobody reads needs no room.
    assert client.post(PATH, data=envelope({}, "attachment"), headers=AUTH).status_code == 200
