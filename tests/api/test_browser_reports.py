"""What browsers report by themselves, as a page's headers lead it here."""

import json
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from known import WEB_KEY

from equerry import keys
from equerry.redis_client import Redis

LEGACY = {
    "csp-report": {
        "document-uri": "https://x.test/pay",
        "effective-directive": "img-src",
        "blocked-uri": "https://evil.test/p.png",
    }
}
REPORTS = [
    {"type": "csp-violation", "body": {"effectiveDirective": "img-src", "blockedURL": "inline"}},
    {"type": "deprecation", "body": {"id": "unload", "message": "Unload is gone."}},
]


def kept(redis: Redis) -> list[dict[str, Any]]:
    """Return the errors that are in the stream."""
    return [msgspec.json.decode(fields[b"d"]) for _, fields in redis.xrange(keys.events("p1"))]


@pytest.mark.parametrize(
    "path",
    [
        f"/api/1/security/?sentry_key={WEB_KEY}",
        f"/api/web/csp-report?sentry_key={WEB_KEY}&sentry_release=1",
        f"/api/reports?key={WEB_KEY}",
        f"/api/reports/?sentry_key={WEB_KEY}",
    ],
)
@pytest.mark.parametrize(
    ("content_type", "body", "messages"),
    [
        ("application/csp-report", LEGACY, ["Blocked https://evil.test by img-src"]),
        (
            "application/reports+json",
            REPORTS,
            ["Blocked inline by img-src", "Unload is gone."],
        ),
    ],
)
def test_taken(
    client: FlaskClient,
    redis: Redis,
    path: str,
    content_type: str,
    body: object,
    messages: list[str],
) -> None:
    """Both forms at each address; the answer has nothing to say."""
    answer = client.post(path, data=json.dumps(body), content_type=content_type)
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert [report["message"] for report in kept(redis)] == messages


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/reports", REPORTS, 401),
        ("/api/reports?key=wrong", REPORTS, 403),
        (f"/api/2/security/?sentry_key={WEB_KEY}", LEGACY, 403),
        (f"/api/1/security/?sentry_key={WEB_KEY}", {"a": 1}, 400),
        (f"/api/reports?key={WEB_KEY}", [], 400),
    ],
)
def test_refused(client: FlaskClient, redis: Redis, path: str, body: object, status: int) -> None:
    """Nothing is kept without the right key, or of what is no report."""
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.get_json()["causes"]
    assert kept(redis) == []


def test_browsers_may_ask_first(client: FlaskClient) -> None:
    """A report to another origin is preflighted, for its content type."""
    answer = client.options("/api/reports", headers={"Origin": "https://x.test"})
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
