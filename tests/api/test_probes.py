"""Alive, ready, healthy: and never healthy for want of knowing."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from api_app import create_app
from flask.testing import FlaskClient
from known import WEB_KEY

from api import exposition
from api.app import REDIS_SECONDS
from equerry import clock, keys
from equerry.redis_client import Redis
from equerry.settings import Api, Queue, Settings
from equerry.settings import Redis as RedisSettings


@pytest.fixture
def without_redis(settings: Settings) -> Settings:
    """Return settings whose Redis is not there."""
    return msgspec.structs.replace(
        settings, redis=RedisSettings(url="unix:///nonexistent/valkey.sock")
    )


def test_livez(client: FlaskClient) -> None:
    """The process answers."""
    assert client.get("/livez").status_code == 200


def test_readyz_says_where_a_report_would_be_kept(
    client: FlaskClient, without_redis: Settings
) -> None:
    """Redis, else the spool, else not ready."""
    assert client.get("/readyz").get_json()["keeps_in"] == "redis"
    spooling = create_app(without_redis).test_client()
    assert spooling.get("/readyz").get_json() == {"status": "warn", "keeps_in": "spool"}
    full = msgspec.structs.replace(without_redis, queue=Queue(spool_max_bytes=400_000))
    assert create_app(full).test_client().get("/readyz").status_code == 503


def test_health_of_a_whole_installation(client: FlaskClient, redis: Redis) -> None:
    """With worker and beat alive every part has a status, figures and a since."""
    redis.zadd(keys.workers(), {"worker@here": clock.now_ms(), "jobs@here": clock.now_ms()})
    redis.set(keys.beat_leader(), b"x", px=10_000)
    redis.hset(keys.conditions(), "beat", "ok 1700000000000")
    body = client.get("/api/infrastructure/health").get_json()
    assert set(body["parts"]) == {
        "redis",
        "stream",
        "workers",
        "beat",
        "dead_letters",
        "outbox",
        "spool",
        "disk",
    }
    assert body["parts"]["workers"]["value"]["alive"] == 2
    assert body["parts"]["beat"] == {
        "status": "ok",
        "value": {"leads": 1},
        "problem": "",
        "since": "2023-11-14T22:13:20.000Z",
    }


def test_no_worker_is_a_failure(client: FlaskClient, redis: Redis) -> None:
    """503 where events would only pile up."""
    redis.zadd(keys.workers(), {"worker@gone": clock.now_ms() - 60_000})
    answer = client.get("/api/infrastructure/health")
    assert answer.status_code == 503
    assert answer.get_json()["parts"]["workers"]["status"] == "fail"


def test_an_old_event_is_a_stalled_queue(client: FlaskClient, redis: Redis) -> None:
    """Two minutes undrained fails, with the age."""
    redis.xadd(keys.events("p1"), {"k": "errors"}, id=f"{clock.now_ms() - 120_000}-0")
    part = client.get("/api/infrastructure/health").get_json()["parts"]["stream"]
    assert part["status"] == "fail"
    assert 119 < part["value"]["oldest_seconds"] < 130


def test_without_redis_nothing_is_called_fine(without_redis: Settings) -> None:
    """What lies in Redis is unknown, not ok; the answer comes quickly all the same."""
    client = create_app(without_redis).test_client()
    began = time.monotonic()
    answer = client.get("/api/infrastructure/health")
    assert time.monotonic() - began < 5
    assert answer.status_code == 503
    parts = answer.get_json()["parts"]
    assert parts["redis"]["status"] == "fail"
    assert {parts[name]["status"] for name in ("stream", "workers", "beat", "outbox")} == {
        "unknown"
    }


def test_a_redis_that_hangs_is_waited_for_once(settings: Settings, tmp_path: Path) -> None:
    """Not once a part, nor once a request: health and /metrics share one look."""
    path = tmp_path / "hangs.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        redis = RedisSettings(url=f"unix://{path}")
        app = create_app(msgspec.structs.replace(settings, redis=redis))
        paths = ["/api/infrastructure/health", "/metrics"] * 3
        began = time.monotonic()
        with ThreadPoolExecutor(len(paths)) as pool:
            answers = list(pool.map(lambda path: app.test_client().get(path), paths))
        assert time.monotonic() - began < REDIS_SECONDS + 1.5
    assert {answer.status_code for answer in answers} == {200, 503}
    assert answers[0].get_json()["parts"]["redis"]["status"] == "fail"
    assert "equerry_up 0.0" in answers[1].get_data(as_text=True)


def test_not_ready_without_a_folder_to_spool_to(without_redis: Settings) -> None:
    """Redis is away, and what is on the disk could not be written either."""
    client = create_app(without_redis).test_client()
    (without_redis.data_path / "spool").rename(without_redis.data_path / "gone")
    assert client.get("/readyz").status_code == 503
    report = client.post("/api/errors", json={"message": "x"}, headers={"X-Equerry-Key": WEB_KEY})
    assert report.status_code == 429


def test_metrics_are_those_of_the_table(client: FlaskClient, redis: Redis) -> None:
    """Every family of the table is exposed, and no other."""
    client.post("/api/errors", json={"message": "x"}, headers={"X-Equerry-Key": WEB_KEY})
    redis.hincrby(keys.refusals("p1"), "rate-key", 3)
    redis.hincrby(keys.counts("p1", clock.day(clock.now_ms())), "errors", 5)
    redis.hincrby(keys.client_drops("p1"), "network_error error", 7)
    text = client.get("/metrics").get_data(as_text=True)
    names = {
        name.removesuffix("_total") for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    }
    names = {name for name in names if not name.endswith("_created")}
    assert names == set(exposition.FAMILIES)
    assert 'equerry_refused_total{project="web",reason="rate-key"} 3.0' in text
    assert 'equerry_events_today{project="web",what="errors"} 5.0' in text
    dropped = 'equerry_client_dropped_total{category="error",project="web",reason="network_error"}'
    assert f"{dropped} 7.0" in text
    assert 'equerry_stream_events{project="web"} 1.0' in text


def test_metrics_are_not_for_everybody(redis: Redis, settings: Settings) -> None:
    """From loopback, not through a proxy; with a token set, only with the token."""
    del redis
    open_client = create_app(settings).test_client()
    assert open_client.get("/metrics").status_code == 200
    assert open_client.get("/metrics", headers={"X-Forwarded-For": "1.1.1.1"}).status_code == 403
    for name, text in (("X-Real-IP", "1.1.1.1"), ("Via", "1.1 proxy"), ("Forwarded", "for=x")):
        assert open_client.get("/metrics", headers={name: text}).status_code == 403
    for host, status in (
        ("example.org", 403),
        ("10.0.0.1:8000", 403),
        ("localhost:8000", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("[::1", 403),
    ):
        assert open_client.get("/metrics", headers={"Host": host}).status_code == status, host
    outside = {"REMOTE_ADDR": "203.0.113.5"}
    assert open_client.get("/metrics", environ_overrides=outside).status_code == 403
    token = msgspec.structs.replace(settings, api=Api(metrics_token="t0ken"))
    client = create_app(token).test_client()
    assert client.get("/metrics").status_code == 403
    right = {"Authorization": "Bearer t0ken"}
    assert client.get("/metrics", headers=right, environ_overrides=outside).status_code == 200
