"""A project's quota, as a reporter meets it."""

import time

import msgspec
import pytest
from api_app import create_app
from flask.testing import FlaskClient
from known import WEB_KEY

from equerry import keys
from equerry.redis_client import Redis
from equerry.settings import Api, Project, Settings

OTHER_KEY = WEB_KEY[::-1]
HOUR_SECONDS = 3_600


@pytest.fixture
def client(redis: Redis, settings: Settings) -> FlaskClient:
    """Return a client of a door with a limited project beside an unlimited one."""
    del redis  # emptied before the app uses it
    left = HOUR_SECONDS - time.time() % HOUR_SECONDS
    if left < 3:
        time.sleep(left + 0.05)  # the turn of an hour begins every count anew
    [web] = settings.projects
    projects = (
        msgspec.structs.replace(web, quota_per_hour=3),
        Project(id=2, slug="shop", key=OTHER_KEY),
    )
    api = Api(rate_per_address=0.0)
    return create_app(msgspec.structs.replace(settings, projects=projects, api=api)).test_client()


def report(client: FlaskClient, key: str = WEB_KEY) -> tuple[int, dict[str, str]]:
    """Send an error; returns status and headers of the answer."""
    answer = client.post("/api/errors", json={"message": "x"}, headers={"X-Equerry-Key": key})
    return answer.status_code, dict(answer.headers)


def test_over_quota_is_429_until_the_window_turns(client: FlaskClient, redis: Redis) -> None:
    """SDKs are told how long to wait, and why; other projects notice nothing."""
    assert [report(client)[0] for _ in range(3)] == [202] * 3
    status, headers = report(client)
    left = HOUR_SECONDS - time.time() % HOUR_SECONDS
    assert status == 429
    assert left - 1 <= int(headers["Retry-After"]) <= left + 2
    assert headers["X-Sentry-Rate-Limits"].endswith(":quota-hour")
    assert report(client, OTHER_KEY)[0] == 202
    assert redis.hget(keys.refusals("p1"), "quota-hour") == b"1"
    assert redis.xlen(keys.events("p1")) == 3
