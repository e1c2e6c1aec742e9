"""What a report gives away by mistake is nowhere to be found afterwards."""

import base64
import json

import pytest
from alerted_site import MAIL_PASSWORD, SLACK_TOKEN, WEBHOOK_SECRET, Site
from installation import wait_until

pytestmark = pytest.mark.e2e

PASSWORD = "hunter2-was-here"
CARD = "4242 4242 4242 4242"
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ."
    "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
BEARER = "ab12cd34ef56ab12cd34ef56"
BASIC = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
ISSUED = "glpat-" + "a1B2" * 5
GIVEN_AWAY = (
    *(PASSWORD, CARD, CARD.replace(" ", ""), CARD.replace(" ", "."), JWT, JWT.split(".")[1]),
    *(BEARER, BASIC, ISSUED),
)
LEAK = f"password={PASSWORD} card {CARD} token {JWT} {ISSUED} Basic {BASIC}"


LEAKING = {
    "name": "Leak",
    "message": f"marked-leak {LEAK}",
    "stack": f"Leak: {LEAK}\n    at login (https://example.org/a.js?access_token={BEARER}:1:1)",
    "boundary": "global",
    "url": f"https://user:{PASSWORD}@example.org/pay?password={PASSWORD}&token={JWT}",
    "user": "visitor-7",
    "tags": {"password": PASSWORD, "card": CARD, "note": LEAK},
    "extra": {
        "password": PASSWORD,
        "deep": [{"Authorization": f"Bearer {BEARER}"}, LEAK],
        "headers": [{"name": "X-Api-Key", "value": PASSWORD}, ["Cookie", f"a={PASSWORD}"]],
        "rawHeaders": ["Host", "example.org", "Authorization", f"Basic {BASIC}"],
        "argv": ["--token", PASSWORD, f"--password={PASSWORD}"],
        "body": json.dumps(json.dumps({"password": PASSWORD})),
        "form": f'--b\r\n; name="password"\r\n\r\n{PASSWORD}\r\n--b--',
        "xml": f"<password>{PASSWORD}</password>",
        "database": f"postgres://app:{PASSWORD}/@db/x",
        "cards": [CARD.replace(" ", "."), float(CARD.replace(" ", ""))],
    },
    "breadcrumbs": [{"message": LEAK, "data": {"secret": PASSWORD, "body": LEAK}}],
}


def test_no_secret_of_a_report_is_kept_or_told(site: Site) -> None:
    """Neither archive, Redis, logs nor any channel holds what a report gave away."""
    site.report("secrets", LEAKING)
    site.settle("secrets")
    places = {
        "archive": "\n".join(map(str, site.equerry.archive("*"))),
        "redis": in_redis(site),
        "output": site.equerry.output,
        "log": (site.equerry.data / "log" / "equerry.log").read_text(),
        "slack": "\n".join(each.body.decode() for each in site.slack.requests),
        "webhook": "\n".join(each.body.decode() for each in site.webhook.requests),
        "email": "\n".join(
            part.get_content() for each in site.mail.messages for part in each.iter_parts()
        )
        + "\n".join(str(each) for each in site.mail.messages),
    }
    for name in ("archive", "redis", "slack", "webhook", "email"):
        assert "marked-leak" in places[name], f"nothing of the report is in {name}"
    found = [(name, text) for name in places for text in GIVEN_AWAY if text in places[name]]
    assert found == []


def test_own_secrets_are_not_logged(site: Site) -> None:
    """No address with a token, signing secret or password of a setting is printed or logged."""
    error = {"name": "Trigger", "message": "makes every channel speak", "boundary": "global"}
    site.report("own-secrets", error)
    wait_until(lambda: all(site.told_times("makes every channel speak").values()), "all are told")
    log = (site.equerry.data / "log" / "equerry.log").read_text()
    flower = (site.equerry.data / "flower-password").read_text().strip()
    for secret in (SLACK_TOKEN, WEBHOOK_SECRET, MAIL_PASSWORD):
        assert secret not in site.equerry.output
        assert secret not in log
    assert flower not in log


def in_redis(site: Site) -> str:
    """Return every key of Redis with all that it holds."""
    readers = {
        "string": "get",
        "hash": "hgetall",
        "set": "smembers",
        "list": "lrange",
        "zset": "zrange",
        "stream": "xrange",
    }
    seen = []
    with site.equerry.redis() as client:
        for key in client.scan_iter(count=1000):
            kind = client.type(key).decode()
            if kind == "none":
                continue  # it expired meanwhile
            bounds = (0, -1) if kind in {"list", "zset"} else ()
            seen.append(f"{key!r} {getattr(client, readers[kind])(key, *bounds)!r}")
    return "\n".join(seen)
