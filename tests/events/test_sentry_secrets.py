"""Secrets in every part of what SDKs send: none is left in what the archive is given."""

import json
from typing import Any

import pytest

from equerry.archive import line
from equerry.events.event import Event, decode
from equerry.events.intake import Sender
from equerry.events.scrub import scrub
from equerry.events.sentry import readers

SENDER = Sender("UA/1", "203.0.113.0/24", "realm")
NOW_MS = 1_795_532_400_000
SECRET = "hunter2hunter2"
TOKEN = "ghp_" + "a1B2" * 9
MAIL = "ann.smith@example.org"
ADDRESS = "198.51.100.77"


def archived(type_: str, payload: dict[str, Any]) -> str:
    """Return the lines of the archive that an item becomes."""
    raw = b"{}\n" + json.dumps({"type": type_}).encode() + b"\n" + json.dumps(payload).encode()
    taken = readers.read(raw, SENDER, NOW_MS)
    assert taken.accepted
    lines = []
    for one in taken.accepted:
        scrubbed = scrub(one.raw)
        decode(one.kind, scrubbed)
        event = Event(
            stream_id="1-0",
            id=one.id,
            kind=one.kind,
            project=1,
            received_ms=NOW_MS,
            raw=scrubbed,
        )
        lines.append(line.encode(event).decode())
    return "".join(lines)


def thrown(**fields: Any) -> dict[str, Any]:
    """Return an event of one exception."""
    return {"exception": {"values": [{"type": "T", "value": "v", **fields}]}}


def framed(**fields: Any) -> dict[str, Any]:
    """Return an event whose frame has these fields."""
    return thrown(stacktrace={"frames": [{"function": "f", **fields}]})


PLANTED: dict[str, dict[str, Any]] = {
    "message": {"message": f"login with password={SECRET} and {TOKEN}"},
    "params": {"logentry": {"message": "token %s of %s", "params": [TOKEN, MAIL]}},
    "exception value": thrown(value=f"refused: password={SECRET}, {TOKEN}, {MAIL}"),
    "exception type": thrown(type=f"Error {TOKEN}"),
    "mechanism": thrown(mechanism={"data": {"token": SECRET, "text": TOKEN}}),
    "vars": framed(
        vars={"password": SECRET, "self": f"<User {MAIL} {TOKEN}>", "x": {"api_key": SECRET}}
    ),
    "context line": framed(
        context_line=f'  token = "{TOKEN}"', pre_context=[f"password = '{SECRET}'"]
    ),
    "abs_path": framed(abs_path=f"https://x.test/a.js?token={SECRET}"),
    "breadcrumb": {
        "breadcrumbs": [
            {
                "message": f"sent {TOKEN} to {MAIL}",
                "data": {"password": SECRET, "url": f"https://u:{SECRET}@x.test/"},
            }
        ]
    },
    "headers": {
        "request": {
            "headers": {
                "Authorization": f"Bearer {SECRET}",
                "X-Api-Key": SECRET,
                "Cookie": f"a={SECRET}",
                "X-Real-Ip": ADDRESS,
            }
        }
    },
    "headers in pairs": {
        "request": {
            "headers": [
                ["Authorization", f"Basic {SECRET}"],
                ["Cookie", f"theme={SECRET}"],
                ["Forwarded", f"for={ADDRESS}"],
            ]
        }
    },
    "cookies": {"request": {"cookies": {"theme": SECRET}}},
    "cookies in pairs": {"request": {"cookies": [["theme", SECRET]]}},
    "query": {
        "request": {
            "url": f"https://x.test/?token={SECRET}",
            "query_string": f"password={SECRET}&code={SECRET}",
        }
    },
    "query in pairs": {"request": {"query_string": [["password", SECRET]]}},
    "data": {
        "request": {
            "data": {
                "password": SECRET,
                "nested": [{"card": "4111 1111 1111 1111", "note": TOKEN}],
            },
            "env": {"REMOTE_ADDR": ADDRESS, "DB_PASSWORD": SECRET},
        }
    },
    "data as text": {"request": {"data": json.dumps({"password": SECRET, "x": TOKEN})}},
    "contexts": {"contexts": {"app": {"secret": SECRET, "note": f"{TOKEN} {MAIL}"}}},
    "extra": {"extra": {"sys.argv": ["run", "--token", SECRET], "note": TOKEN}},
    "tags": {"tags": {"token": SECRET, "note": TOKEN}},
    "user by mail": {"user": {"email": MAIL, "username": "ann.smith", "ip_address": ADDRESS}},
    "user by name": {"user": {"username": "ann.smith", "token": SECRET}},
    "user by address": {"user": {"ip_address": ADDRESS}},
    "user whose id is a mail": {"user": {"id": MAIL, "data": {"password": SECRET}}},
    "fingerprint": {"fingerprint": ["{{ default }}", TOKEN]},
    "transaction": {"transaction": f"/reset?token={SECRET}"},
    "server name": {"server_name": f"web {TOKEN}"},
}


@pytest.mark.parametrize("name", PLANTED)
def test_events(name: str) -> None:
    """Whatever part of an event holds it, a secret, a name or an address does not get through."""
    written = archived("event", PLANTED[name])
    for secret in (SECRET, TOKEN, "ann.smith", ADDRESS, "4111 1111"):
        assert secret not in written


OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "session": ("session", {"did": MAIL, "attrs": {"release": "1", "ip_address": ADDRESS}}),
    "session by name": ("session", {"did": "ann.smith", "attrs": {"release": "1"}}),
    "log": (
        "log",
        {
            "body": f"token={SECRET}",
            "attributes": {"password": {"value": SECRET}, "x": {"value": TOKEN}},
        },
    ),
    "check-in": (
        "check_in",
        {"monitor_slug": "m", "status": "ok", "monitor_config": {"token": SECRET}},
    ),
    "feedback": (
        "feedback",
        {"contexts": {"feedback": {"message": f"my password: {SECRET}", "contact_email": MAIL}}},
    ),
    "transaction": (
        "transaction",
        {
            "measurements": {"lcp": {"value": 1}},
            "request": {"url": f"https://x.test/?token={SECRET}"},
        },
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_items(name: str) -> None:
    """The same for every other item."""
    written = archived(*OTHERS[name])
    for secret in (SECRET, TOKEN, "ann.smith", ADDRESS):
        assert secret not in written
