"""Check-ins by their address alone, as a cron line's curl sends them."""

from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from known import WEB_KEY

from equerry import keys
from equerry.redis_client import Redis

PATH = "/api/1/cron/nightly/"
QUERY = f"?sentry_key={WEB_KEY}"


def kept(redis: Redis) -> list[dict[str, Any]]:
    """Return the check-ins that are in the stream."""
    rows = redis.xrange(keys.events("p1"))
    return [msgspec.json.decode(f[b"d"]) for _, f in rows if f[b"k"] == b"check-ins"]


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}{QUERY}&status=ok",
        f"/api/web/cron/nightly{QUERY}&status=ok",
        f"{PATH}{WEB_KEY}/?status=ok",
        f"{PATH}{WEB_KEY}?status=ok",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_one_line(client: FlaskClient, redis: Redis, path: str, method: str) -> None:
    """A job that ended well, told by either method, with the key in the query or the path."""
    answer = getattr(client, method)(path)
    assert answer.status_code == 200
    [check_in] = kept(redis)
    assert (check_in["monitor"], check_in["status"]) == ("nightly", "ok")
    assert check_in["check_in"] == answer.get_json()["id"]


def test_begin_and_end(client: FlaskClient, redis: Redis) -> None:
    """The answer to the first names the run, and the second ends it, with how long it took."""
    first = client.post(f"{PATH}{QUERY}", json={"status": "in_progress", "environment": "live"})
    run = first.get_json()["id"]
    query = f"{QUERY}&status=error&check_in_id={run}&duration=1.5&environment=live"
    assert client.get(f"{PATH}{query}").get_json() == {"id": run}
    begun, ended = kept(redis)
    assert begun["check_in"] == ended["check_in"] == run
    assert (begun["status"], ended["status"]) == ("in_progress", "error")
    assert (ended["duration_seconds"], ended["environment"]) == (1.5, "live")


def test_the_body_says_more(client: FlaskClient, redis: Redis) -> None:
    """A schedule comes in the body, and what it says wins over the query."""
    schedule = {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/London"}
    body = {"status": "ok", "monitor_config": schedule}
    assert client.post(f"{PATH}{QUERY}&status=error", json=body).status_code == 200
    [check_in] = kept(redis)
    assert (check_in["status"], check_in["config"]) == ("ok", schedule)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PATH}{QUERY}", 400),
        (f"{PATH}{QUERY}&status=fine", 400),
        (f"/api/1/cron/%20/{QUERY}&status=ok", 400),
        (f"{PATH}?status=ok", 401),
        (f"{PATH}wrong/?status=ok", 403),
        (f"/api/2/cron/nightly/{QUERY}&status=ok", 403),
    ],
)
def test_refused(client: FlaskClient, redis: Redis, path: str, status: int) -> None:
    """Nothing is kept without a status, a monitor or the right key."""
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.get_json()["causes"]
    assert kept(redis) == []


@pytest.mark.parametrize("duration", ["nan", "inf", "-1", "1e999", "x", ""])
def test_durations_that_are_none(client: FlaskClient, redis: Redis, duration: str) -> None:
    """A duration that is no number of seconds costs no check-in."""
    assert client.get(f"{PATH}{QUERY}&status=ok&duration={duration}").status_code == 200
    [check_in] = kept(redis)
    assert check_in.get("duration_seconds", 0) >= 0


def test_a_look_is_no_check_in(client: FlaskClient, redis: Redis) -> None:
    """A HEAD, as a link checker sends it, is told so and leaves nothing."""
    assert client.head(f"{PATH}{QUERY}&status=ok").status_code == 405
    assert kept(redis) == []
