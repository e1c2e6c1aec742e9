"""The endpoints that Sentry's SDKs report to: auth, answers, and what is kept."""

import base64
import gzip
import json
import random
from typing import Any

import msgspec
import pytest
from api_app import create_app
from flask.testing import FlaskClient
from known import WEB_KEY

from equerry import keys
from equerry.events.sentry import readers
from equerry.redis_client import Redis
from equerry.settings import Api, Project, Settings

ID = "0123456789abcdef0123456789abcdef"[::-1]
AUTH = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={WEB_KEY}, sentry_client=x/1"}
EVENT = {"exception": {"values": [{"type": "ValueError", "value": "boom"}]}, "level": "error"}


def envelope(*items: tuple[dict[str, Any], object], header: object = None) -> bytes:
    """Return an envelope; items: header and payload, without a length as browsers send them."""
    lines = [json.dumps({"event_id": ID} if header is None else header)]
    for item, payload in items:
        lines += [json.dumps(item), json.dumps(payload)]
    return "\n".join(lines).encode()


def kept(redis: Redis, kind: str = "errors") -> list[dict[str, Any]]:
    """Return the reports of a kind that are in the stream."""
    rows = redis.xrange(keys.events("p1"))
    return [
        msgspec.json.decode(fields[b"d"]) for _, fields in rows if fields[b"k"].decode() == kind
    ]


@pytest.mark.parametrize("path", ["/api/1/envelope/", "/api/1/envelope", "/api/web/envelope/"])
def test_an_event(client: FlaskClient, redis: Redis, path: str) -> None:
    """200 and the envelope's id; the error is in the stream, named by its exception."""
    body = envelope(({"type": "event"}, EVENT))
    answer = client.post(path, data=body, headers=AUTH)
    assert (answer.status_code, answer.get_json()) == (200, {"id": ID})
    [report] = kept(redis)
    assert (report["name"], report["message"], report["level"]) == ("ValueError", "boom", "error")
    assert report["address"] == "127.0.0.0/24"


@pytest.mark.parametrize("path", ["/api/1/store/", "/api/1/store"])
def test_a_lone_event(client: FlaskClient, redis: Redis, path: str) -> None:
    """The older endpoint takes the event itself, under its own id."""
    answer = client.post(path, data=json.dumps({**EVENT, "event_id": ID}), headers=AUTH)
    assert (answer.status_code, answer.get_json()) == (200, {"id": ID})
    assert kept(redis)[0]["message"] == "boom"


def basic(user: str) -> str:
    """Return the header's value for Basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


WAYS: dict[str, tuple[dict[str, str], str, object]] = {
    "X-Sentry-Auth": (AUTH, "", {}),
    "X-Sentry-Auth of one pair": ({"X-Sentry-Auth": f"Sentry sentry_key={WEB_KEY}"}, "", {}),
    "X-Sentry-Auth without its word": ({"X-Sentry-Auth": f"sentry_key={WEB_KEY}"}, "", {}),
    "Authorization": ({"Authorization": AUTH["X-Sentry-Auth"]}, "", {}),
    "Basic": ({"Authorization": basic(WEB_KEY)}, "", {}),
    "query": ({}, f"?sentry_key={WEB_KEY}&sentry_version=7", {}),
    "query beside another scheme": ({"Authorization": "Bearer x"}, f"?sentry_key={WEB_KEY}", {}),
    "tunnel": ({}, "", {"dsn": f"https://{WEB_KEY}@ops.example.org/1"}),
    "the first of two": (AUTH, "?sentry_key=wrong", {"dsn": "https://wrong@x/1"}),
}


@pytest.mark.parametrize("name", WAYS)
def test_ways_to_name_the_key(client: FlaskClient, redis: Redis, name: str) -> None:
    """Every form that SDKs use is read."""
    headers, query, header = WAYS[name]
    body = envelope(({"type": "event"}, EVENT), header=header)
    answer = client.post(f"/api/1/envelope/{query}", data=body, headers=headers)
    assert answer.status_code == 200, answer.get_json()
    assert len(kept(redis)) == 1


REFUSED: dict[str, tuple[str, dict[str, str], object, int]] = {
    "no key": ("/api/1/envelope/", {}, {}, 401),
    "no key in the DSN": ("/api/1/envelope/", {}, {"dsn": "https://ops.example.org/1"}, 401),
    "a DSN that is none": ("/api/1/envelope/", {}, {"dsn": "https://[x/1"}, 401),
    "a DSN of another type": ("/api/1/envelope/", {}, {"dsn": 7}, 401),
    "malformed": ("/api/1/envelope/", {"X-Sentry-Auth": "Sentry x=1"}, {}, 401),
    "malformed Basic": ("/api/1/envelope/", {"Authorization": "Basic ?"}, {}, 401),
    "unknown": ("/api/1/envelope/", {"X-Sentry-Auth": "Sentry sentry_key=x"}, {}, 403),
    "unknown in the DSN": ("/api/1/envelope/", {}, {"dsn": "https://x@ops.example.org/1"}, 403),
    "another project": ("/api/2/envelope/", AUTH, {}, 403),
    "no project": ("/api/none/store/", AUTH, {}, 403),
    "a lone event without a key": ("/api/1/store/", {}, {}, 401),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_keys(client: FlaskClient, redis: Redis, name: str) -> None:
    """Nothing is kept without a key, nor with one of another project; the answer says why."""
    path, headers, header, status = REFUSED[name]
    body = envelope(({"type": "event"}, EVENT), header=header)
    answer = client.post(path, data=body, headers=headers)
    assert answer.status_code == status
    assert answer.get_json()["causes"]
    assert answer.headers["X-Sentry-Error"] == answer.get_json()["detail"]
    assert redis.keys("{p*") == []


def test_projects_do_not_cross(redis: Redis, settings: Settings) -> None:
    """One project's key reports to no other, under neither name of it."""
    other = Project(id=2, slug="shop", key="f" * 32)
    both = msgspec.structs.replace(
        settings, projects=(*settings.projects, other), api=Api(rate_per_address=0.0)
    )
    client = create_app(both).test_client()
    for path in ("/api/2/envelope/", "/api/shop/envelope/", "/api/shop/store/"):
        assert client.post(path, data=envelope(), headers=AUTH).status_code == 403
    body = envelope(({"type": "event"}, EVENT), header={"dsn": f"https://{'f' * 32}@x/1"})
    assert client.post("/api/1/envelope/", data=body).status_code == 403
    assert client.post("/api/shop/envelope/", data=body).status_code == 200
    assert redis.xlen(keys.events("p2")) == 1


def test_what_a_page_may_do(client: FlaskClient) -> None:
    """A browser's preflight is answered, and a page reads limits and refusals."""
    origin = {"Origin": "https://x.test"}
    answer = client.options("/api/1/envelope/", headers=origin)
    assert answer.status_code == 200
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    for name in ("x-sentry-auth", "content-type", "content-encoding", "authorization"):
        assert name in allowed
    assert answer.headers["Access-Control-Max-Age"] == "3600"
    for answer in (
        client.post("/api/1/envelope/", data=envelope(), headers={**AUTH, **origin}),
        client.post("/api/1/envelope/", data=envelope(), headers=origin),
        client.post("/api/1/store", data=b"[]", headers={**AUTH, **origin}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        exposed = answer.headers["Access-Control-Expose-Headers"].lower()
        for name in ("x-sentry-error", "x-sentry-rate-limits", "retry-after"):
            assert name in exposed


def test_origins(redis: Redis, settings: Settings) -> None:
    """A project with a list of origins takes no page of another, through a tunnel neither."""
    del redis
    project = Project(id=1, slug="web", key=WEB_KEY, origins=("https://good.test",))
    client = create_app(
        msgspec.structs.replace(settings, projects=(project,), api=Api())
    ).test_client()
    tunnelled = envelope(header={"dsn": f"https://{WEB_KEY}@x/1"})
    for origin, status in (("https://good.test", 200), ("https://bad.test", 403), (None, 200)):
        for headers in (AUTH, {}):
            given = {**headers} | ({"Origin": origin} if origin else {})
            answer = client.post("/api/1/envelope/", data=tunnelled, headers=given)
            assert answer.status_code == status


def test_over_the_rate(redis: Redis, settings: Settings) -> None:
    """429 with both headers, as SDKs read them: errors are to wait, everything else is not."""
    limited = Api(rate_per_address=1.0, burst_seconds=1.0)
    client = create_app(msgspec.structs.replace(settings, api=limited)).test_client()
    answers = [
        client.post(
            "/api/1/envelope/", data=envelope(({"type": "event"}, EVENT), header={}), headers=AUTH
        )
        for _ in range(4)
    ]
    refused = answers[-1]
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert wait >= 1
    assert refused.headers["X-Sentry-Rate-Limits"] == f"{wait}:error:organization:rate-address"
    assert int(redis.hget(keys.refusals("p1"), "rate-address")) >= 1


def test_a_flood_of_logs_silences_no_error(redis: Redis, settings: Settings) -> None:
    """Each kind has its own rate: logs are told to wait, by their name, and an error is taken."""
    limited = Api(rate_per_address=1.0, burst_seconds=1.0)
    client = create_app(msgspec.structs.replace(settings, api=limited)).test_client()
    line = {"timestamp": 1_795_532_400, "level": "info", "body": "hello"}
    logs = envelope(({"type": "log"}, {"items": [line] * 100}), header={})
    answers = [client.post("/api/1/envelope/", data=logs, headers=AUTH) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    wait = int(answers[1].headers["Retry-After"])
    assert answers[1].headers["X-Sentry-Rate-Limits"].startswith(f"{wait}:log_item:")
    error = envelope(({"type": "event"}, EVENT))
    assert client.post("/api/1/envelope/", data=error, headers=AUTH).status_code == 200
    assert len(kept(redis)) == 1


def test_an_attachment_costs_no_error(client: FlaskClient, redis: Redis) -> None:
    """Megabytes that nobody reads, and that no packing makes smaller, come with their error."""
    picture = random.Random(1).randbytes(3_000_000)
    body = (
        envelope(({"type": "event"}, EVENT))
        + b"\n"
        + (json.dumps({"type": "attachment", "length": len(picture)}).encode() + b"\n" + picture)
    )
    packed = {**AUTH, "Content-Encoding": "gzip"}
    answer = client.post("/api/1/envelope/", data=gzip.compress(body), headers=packed)
    assert answer.status_code == 200, answer.get_json()
    assert len(kept(redis)) == 1


def test_sizes(client: FlaskClient, redis: Redis) -> None:
    """A large event is taken, packed or not; a larger one and a larger body are refused."""
    large = {**EVENT, "extra": {"state": "x" * 700_000}}
    for headers, pack in (({}, bytes), ({"Content-Encoding": "gzip"}, gzip.compress)):
        body = pack(envelope(({"type": "event"}, large), header={}))
        answer = client.post("/api/1/envelope/", data=body, headers={**AUTH, **headers})
        assert answer.status_code == 200, answer.get_json()
    assert len(kept(redis)) == 2
    too_large = json.dumps({**EVENT, "extra": {"state": "x" * 1_100_000}}).encode()
    for path, body in (
        ("/api/1/envelope/", b"{}\n" + b'{"type":"event"}\n' + too_large),
        ("/api/1/store/", too_large),
        ("/api/1/envelope/", b"{}\n" * 4_000_000),
    ):
        answer = client.post(path, data=body, headers=AUTH)
        assert answer.status_code == 413
        assert answer.get_json()["causes"][0]["limit"].endswith("bytes")
    assert len(kept(redis)) == 2


def test_what_nobody_reads_is_counted(client: FlaskClient, redis: Redis) -> None:
    """Items of other types cost the event nothing, and are counted by type."""
    body = envelope(
        ({"type": "attachment", "length": 4}, "ab"),
        ({"type": "of-tomorrow"}, {}),
        ({"type": "event"}, EVENT),
        ({}, {}),
    )
    answer = client.post("/api/1/envelope/", data=body, headers=AUTH)
    assert (answer.status_code, answer.get_json()) == (200, {"id": ID})
    assert len(kept(redis)) == 1
    counted = redis.hgetall(keys.refusals("p1"))
    assert counted == {b"skipped-attachment": b"1", b"skipped-other": b"2"}


def test_nothing_inside(client: FlaskClient, redis: Redis) -> None:
    """An envelope of nothing but its header is fine, and has no id."""
    answer = client.post("/api/1/envelope/", data=b"{}", headers=AUTH)
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert kept(redis) == []


def test_what_has_faults_is_counted(client: FlaskClient, redis: Redis) -> None:
    """Beside something that is taken, an event that is none or too large is no silent loss."""
    body = envelope(
        ({"type": "event"}, [1]),
        ({"type": "event"}, {"message": "x" * readers.ITEM_BYTES}),
        ({"type": "event"}, {"message": "kept"}),
    )
    assert client.post("/api/1/envelope/", data=body, headers=AUTH).status_code == 200
    assert [report["message"] for report in kept(redis)] == ["kept"]
    assert redis.hgetall(keys.refusals("p1")) == {b"skipped-event": b"2"}
