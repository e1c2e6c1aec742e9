"""An SDK's event as an error: each interface, in each form, and what is odd about it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equerry.events import event as events
from equerry.events.intake import Sender
from equerry.events.report import ErrorReport
from equerry.events.sentry import readers

ID = "fedcba9876543210" * 2
SENDER = Sender("UA/1", "203.0.113.0/24", "realm")
NOW_MS = 1_795_532_400_000
NOW = "2026-11-24T15:00:00.000Z"
_STRICT = msgspec.json.Decoder(ErrorReport)


def read(event: dict[str, Any]) -> dict[str, Any]:
    """Return the report that an event becomes, checked against its own type."""
    taken = readers.event(json.dumps(event).encode(), SENDER, NOW_MS)
    [one] = taken.accepted
    assert one.raw.startswith(b'{"timestamp":"')
    _STRICT.decode(one.raw)
    events.decode(one.kind, one.raw)
    report: dict[str, Any] = json.loads(one.raw)
    return report


def thrown(**fields: Any) -> dict[str, Any]:
    """Return an event of one exception."""
    return {"exception": {"values": [{"type": "T", "value": "v", **fields}]}}


def stacked(*frames: Any) -> dict[str, Any]:
    """Return an event of one exception with these frames."""
    return thrown(stacktrace={"frames": list(frames)})


FRAME = {
    "function": "pay",
    "module": "shop.pay",
    "filename": "shop/pay.py",
    "abs_path": "/srv/shop/pay.py",
    "lineno": 7,
    "colno": 3,
    "in_app": True,
    "context_line": "  x = y",
    "pre_context": ["a"],
    "post_context": ["b"],
    "vars": {"y": "1"},
}

# What an event says → fields of the report.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {"message": "", "level": "error", "timestamp": NOW}),
    "seconds": ({"timestamp": 1_795_532_399.5}, {"timestamp": "2026-11-24T14:59:59.500Z"}),
    "ISO": ({"timestamp": "2026-11-24T14:59:59Z"}, {"timestamp": "2026-11-24T14:59:59.000Z"}),
    "a time of text": ({"timestamp": "noon"}, {"timestamp": NOW}),
    "a time of 400 digits": ({"timestamp": 10**400}, {"timestamp": NOW}),
    "message": ({"message": "m"}, {"message": "m"}),
    "logentry": ({"logentry": {"formatted": "f", "message": "%s"}}, {"message": "f"}),
    "params": (
        {"logentry": {"message": "%s of %d, %(x)s, 7%%", "params": ["a", 2]}},
        {"message": "a of 2, %(x)s, 7%"},
    ),
    "named params": (
        {"message": {"message": "%(a)s %(b)-5.2f", "params": {"a": "x", "b": 1.5}}},
        {"message": "x 1.5"},
    ),
    "a width that would fill the memory": (
        {"logentry": {"message": "%999999999d", "params": [1]}},
        {"message": "1"},
    ),
    "critical": ({"level": "critical"}, {"level": "fatal"}),
    "log": ({"level": "log"}, {"level": "info"}),
    "a level of a number": ({"level": 40}, {"level": "error"}),
    "exception": (
        thrown(),
        {"name": "T", "message": "v", "exceptions": [{"type": "T", "value": "v"}]},
    ),
    "exceptions in a list": ({"exception": [{"type": "T", "value": "v"}]}, {"name": "T"}),
    "exception itself": ({"exception": {"type": "T", "value": "v"}}, {"name": "T"}),
    "the last is the one that was caught": (
        {"exception": {"values": [{"type": "Cause", "value": "c"}, {"type": "T", "value": "v"}]}},
        {"name": "T", "message": "v"},
    ),
    "a value that is an object": (
        thrown(value={"a": 1}),
        {"name": "T", "message": "", "cut": {"exceptions.0.value": 1}},
    ),
    "a value that is a number": (thrown(value=7), {"message": "7"}),
    "unhandled": (thrown(mechanism={"handled": False, "type": "x"}), {"handled": False}),
    "handled is said by the last that says it": (
        {
            "exception": {
                "values": [
                    {"type": "A", "mechanism": {"handled": False}},
                    {"type": "B", "mechanism": {"handled": True}},
                    {"type": "C"},
                ]
            }
        },
        {"handled": True},
    ),
    "handled is a word": (thrown(mechanism={"handled": "no"}), {}),
    "exception and message": (
        {**thrown(), "logentry": {"formatted": "while paying"}, "extra": {"a": 1}},
        {"message": "v", "extra": {"logged": "while paying", "a": 1}},
    ),
    "a message with a stack": (
        {
            "message": "m",
            "exception": {"values": [{"stacktrace": {"frames": [{"function": "f"}]}}]},
        },
        {"message": "m", "exceptions": [{"frames": [{"function": "f"}]}]},
    ),
    "a typeless exception's value": (
        {"exception": {"values": [{"value": "m", "stacktrace": {"frames": []}}]}},
        {"message": "m"},
    ),
    "frame": (stacked(FRAME), {"exceptions": [{"type": "T", "value": "v", "frames": [FRAME]}]}),
    "odd frames": (
        stacked(None, 7, {"function": 7, "lineno": "x", "colno": -1, "in_app": 1, "vars": 3}),
        {"exceptions": [{"type": "T", "value": "v", "frames": [{"function": "7"}]}]},
    ),
    "a thread's stack": (
        {
            "threads": {
                "values": [
                    {"id": 1, "crashed": True, "stacktrace": {"frames": [{"function": "f"}]}},
                    {"stacktrace": {"frames": [{"function": "g"}]}},
                ]
            }
        },
        {"exceptions": [{"frames": [{"function": "f"}]}]},
    ),
    "an exception's stack before a thread's": (
        {**thrown(), "threads": [{"stacktrace": {"frames": [{"function": "f"}]}}]},
        {"exceptions": [{"type": "T", "value": "v"}]},
    ),
    "tags": ({"tags": {"a": 1, "b": None, "c": True}}, {"tags": {"a": "1", "c": "true"}}),
    "tags in pairs": ({"tags": [["a", "x"], ["b"], 7, [1, 2]]}, {"tags": {"a": "x"}}),
    "a tag that is an object": (
        {"tags": {"a": {"b": 1}}},
        {"tags": {"a": ""}, "cut": {"tags.a": 1}},
    ),
    "tags that are text": ({"tags": "abc"}, {"cut": {"tags": 3}}),
    "breadcrumbs": ({"breadcrumbs": {"values": [{"a": 1}, 7]}}, {"breadcrumbs": [{"a": 1}]}),
    "breadcrumbs in a list": ({"breadcrumbs": [{"a": 1}]}, {"breadcrumbs": [{"a": 1}]}),
    "request": (
        {
            "request": {
                "url": "https://x.test/a",
                "method": "GET",
                "query_string": [["q", "1"]],
                "headers": [["Accept", "*/*"], ["X-Forwarded-For", "203.0.113.9"]],
                "env": {"REMOTE_ADDR": "203.0.113.9", "SERVER_NAME": "s"},
                "data": {"a": [1]},
            }
        },
        {
            "url": "https://x.test/a",
            "user_agent": "UA/1",
            "request": {
                "url": "https://x.test/a",
                "method": "GET",
                "query_string": {"q": "1"},
                "headers": {"Accept": "*/*", "X-Forwarded-For": "[Filtered]"},
                "env": {"REMOTE_ADDR": "[Filtered]", "SERVER_NAME": "s"},
                "data": {"a": [1]},
            },
        },
    ),
    "cookies": (
        {
            "request": {
                "cookies": "a=1; b=2",
                "headers": {"Cookie": "c=3", "Set-Cookie": "d=4; Path=/"},
            }
        },
        {
            "request": {
                "cookies": {"a": "[Filtered]", "b": "[Filtered]"},
                "headers": {"Cookie": "c", "Set-Cookie": "d; Path"},
            }
        },
    ),
    "a page's browser": (
        {"platform": "javascript", "request": {"headers": {"User-Agent": "Chrome/1"}}},
        {"user_agent": "Chrome/1"},
    ),
    "a server's visitor": (
        {"platform": "python", "request": {"headers": {"User-Agent": "Googlebot"}}},
        {"user_agent": "UA/1"},
    ),
    "sdk": (
        {"sdk": {"name": "sentry.python", "version": "2.75.0"}},
        {"sdk": "sentry.python/2.75.0"},
    ),
    "fingerprint": (
        {"fingerprint": ["{{ default }}", 7, None]},
        {"group_by": ["{{ default }}", "7"]},
    ),
    "logger": ({"logger": "a\nb"}, {"logger": "a b"}),
    "debug ids": (
        {
            "debug_meta": {
                "images": [
                    {"type": "sourcemap", "code_file": "https://x/a.js", "debug_id": ID},
                    {"type": "sourcemap", "code_file": "https://x/b.js", "debug_id": "no"},
                    {"type": "elf", "code_file": "c", "debug_id": ID},
                    7,
                ]
            }
        },
        {"debug_ids": {"https://x/a.js": ID}},
    ),
    "texts": (
        {"release": "r", "dist": 7, "environment": "e", "transaction": "t", "server_name": "s"},
        {"release": "r", "dist": "7", "environment": "e", "transaction": "t", "server_name": "s"},
    ),
    "a release that is a list": ({"release": [1, 2]}, {"cut": {"release": 2}}),
    "modules": ({"modules": {"flask": "3.1"}}, {"modules": {"flask": "3.1"}}),
    "contexts": (
        {"contexts": {"os": {"name": "x"}}, "extra": [1]},
        {"contexts": {"os": {"name": "x"}}},
    ),
    "nulls": (dict.fromkeys(("exception", "tags", "user", "request", "breadcrumbs", "sdk")), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """Each part of an event is where the pipeline looks for it."""
    event, expected = CASES[name]
    report = read(event)
    assert {field: report.get(field) for field in expected} == expected


ABSENT = {
    "handled is a word": "handled",
    "tags that are text": "tags",
    "a message with a stack": "name",
    "a release that is a list": "release",
}


@pytest.mark.parametrize("name", ABSENT)
def test_absent(name: str) -> None:
    """What was not said is not made up."""
    assert not read(CASES[name][0]).get(ABSENT[name])


def test_users() -> None:
    """An id is kept; a name or an address is a pseudonym, the same each time in one project."""
    found = {
        name: read({"user": user}).get("user", "")
        for name, user in {
            "id": {"id": "u7", "email": "ann@example.org"},
            "number": {"id": 7},
            "mail": {"email": "ann@example.org"},
            "mail again": {"email": "ann@example.org", "ip_address": "203.0.113.9"},
            "mail as id": {"id": "ann@example.org"},
            "name": {"username": "ann"},
            "address": {"ip_address": "203.0.113.9"},
            "neighbour": {"ip_address": "203.0.113.77"},
            "auto": {"ip_address": "{{auto}}"},
            "text": "ann",
        }.items()
    }
    assert (found["id"], found["number"]) == ("u7", "7")
    assert found["mail"] == found["mail again"] == found["mail as id"]
    assert found["address"] == found["neighbour"]
    assert (found["auto"], found["text"]) == ("", "")
    pseudonyms = {found[name] for name in ("mail", "name", "address")}
    assert len(pseudonyms) == 3
    assert all(len(each) == 16 for each in pseudonyms)
    elsewhere = readers.event(
        b'{"user":{"username":"ann"}}', Sender("UA/1", "203.0.113.0/24", "other"), NOW_MS
    )
    assert json.loads(elsewhere.accepted[0].raw)["user"] != found["name"]


def test_what_is_long_is_cut() -> None:
    """Texts, lists and trees have their limits; what was cut says how long it was."""
    deep: Any = "x"
    for _ in range(40):
        deep = {"a": deep}
    frames = [{"function": f"f{number}", "vars": {"deep": deep}} for number in range(400)]
    report = read(
        {
            **stacked(*frames),
            "tags": {f"tag{number}": "x" * 300 for number in range(300)},
            "breadcrumbs": [{"message": str(number)} for number in range(150)],
            "extra": {"deep": deep},
            "release": "r" * 300,
            "fingerprint": ["x"] * 100,
            "modules": {f"m{number}": "1" for number in range(900)},
        }
    )
    kept = [frame["function"] for frame in report["exceptions"][0]["frames"]]
    assert (len(kept), kept[0], kept[-1]) == (250, "f0", "f399")
    assert (len(report["tags"]), len(report["breadcrumbs"]), len(report["release"])) == (
        100,
        100,
        200,
    )
    assert report["breadcrumbs"][-1]["message"] == "149"
    assert len(report["modules"]) == 500
    assert len(report["group_by"]) == 32
    expected = {
        "exceptions.0.frames": 400,
        "tags": 300,
        "breadcrumbs": 150,
        "release": 300,
        "extra": 1,
        "modules": 900,
        "group_by": 100,
    }
    assert expected.items() <= report["cut"].items()
    exceptions = [{"type": f"T{number}", "value": "v"} for number in range(90)]
    report = read({"exception": {"values": exceptions}})
    assert (len(report["exceptions"]), report["name"]) == (50, "T89")


def test_ids() -> None:
    """The envelope's id beats the event's; an id that is none is replaced by a new one."""
    other = "0" * 32
    for header, own, expected in (
        (f'{{"event_id":"{ID}"}}', other, ID),
        ("{}", other, other),
        ('{"event_id":7}', other, other),
    ):
        raw = f'{header}\n{{"type":"event"}}\n{{"event_id":"{own}"}}'.encode()
        taken = readers.read(raw, SENDER, NOW_MS)
        assert [one.id for one in taken.accepted] == [taken.id] == [expected]
    taken = readers.read(b'{}\n{"type":"event"}\n{"event_id":"x"}', SENDER, NOW_MS)
    assert len(taken.id) == 32


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(
        [
            "exception",
            "message",
            "logentry",
            "stacktrace",
            "threads",
            "tags",
            "breadcrumbs",
            "request",
            "user",
            "contexts",
            "extra",
            "modules",
            "release",
            "level",
            "fingerprint",
            "debug_meta",
            "sdk",
            "logger",
            "timestamp",
            "platform",
        ]
    ),
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(max_size=3)
                | st.sampled_from(
                    [
                        "values",
                        "type",
                        "value",
                        "frames",
                        "stacktrace",
                        "mechanism",
                        "handled",
                        "vars",
                        "lineno",
                        "in_app",
                        "headers",
                        "cookies",
                        "query_string",
                        "data",
                        "url",
                        "id",
                        "email",
                        "images",
                        "debug_id",
                        "code_file",
                        "params",
                        "message",
                        "formatted",
                        "name",
                        "version",
                        "crashed",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=25,
    ),
)
def test_anything_in_any_field(field: str, value: object) -> None:
    """No oddity of an SDK costs an event: it is read, and reads back as its own type."""
    read({"message": "m", field: value})
