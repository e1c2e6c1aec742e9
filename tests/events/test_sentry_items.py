"""Every other item of an envelope, and browsers' own reports: what becomes of each."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equerry.errors import Refused
from equerry.events import event as events
from equerry.events.intake import Intake, Sender
from equerry.events.sentry import readers

SENDER = Sender("UA/1", "203.0.113.0/24", "realm")
NOW_MS = 1_795_532_400_000
NOW = "2026-11-24T15:00:00.000Z"
ID = "fedcba9876543210" * 2
COMMON = {"user_agent": "UA/1", "address": "203.0.113.0/24"}
ATTRS = {"release": "web@1", "environment": "live"}


def envelope(type_: str, payload: object) -> Intake:
    """Return what an envelope of one item becomes."""
    lines = ({"event_id": ID}, {"type": type_}, payload)
    return readers.read("\n".join(map(json.dumps, lines)).encode(), SENDER, NOW_MS)


def reports(taken: Intake) -> list[tuple[str, dict[str, Any]]]:
    """Return kinds and reports, each read back as the pipeline reads it."""
    for one in taken.accepted:
        events.decode(one.kind, one.raw)
    return [(one.kind, json.loads(one.raw)) for one in taken.accepted]


def vital(name: str, value: float, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return the metric that a vital becomes."""
    return "metrics", {"timestamp": NOW, "name": name, "value": value, **COMMON, **more}


# Type of item, payload → kinds and reports.
CASES: dict[str, tuple[str, dict[str, Any], list[tuple[str, dict[str, Any]]]]] = {
    "a session begins": (
        "session",
        {"sid": "s1", "init": True, "status": "ok", "errors": 0, "attrs": ATTRS},
        [("sessions", {"timestamp": NOW, **ATTRS, "started": 1, "visit": "s1", **COMMON})],
    ),
    "a session crashes": (
        "session",
        {
            "sid": "s1",
            "status": "crashed",
            "errors": 1,
            "timestamp": "2026-11-24T14:00:00Z",
            "attrs": {**ATTRS, "user_agent": "Chrome/1"},
        },
        [
            (
                "sessions",
                {
                    "timestamp": "2026-11-24T14:00:00.000Z",
                    **ATTRS,
                    "errored": 1,
                    "crashed": 1,
                    "visit": "s1",
                    "user_agent": "Chrome/1",
                    "address": "203.0.113.0/24",
                },
            )
        ],
    ),
    "a session ends after an error": (
        "session",
        {"sid": "s1", "status": "exited", "errors": 3, "attrs": ATTRS},
        [("sessions", {"timestamp": NOW, **ATTRS, "errored": 1, "visit": "s1", **COMMON})],
    ),
    "aggregates": (
        "sessions",
        {
            "attrs": ATTRS,
            "aggregates": [
                {"started": "2026-11-24T14:00:00Z", "exited": 5, "errored": 2, "crashed": 1},
                {"exited": 1, "abnormal": 1, "crashed": -3, "errored": "x"},
                7,
            ],
        },
        [
            (
                "sessions",
                {
                    "timestamp": "2026-11-24T14:00:00.000Z",
                    **ATTRS,
                    "started": 8,
                    "errored": 3,
                    "crashed": 1,
                    **COMMON,
                },
            ),
            (
                "sessions",
                {"timestamp": NOW, **ATTRS, "started": 2, "errored": 1, "abnormal": 1, **COMMON},
            ),
        ],
    ),
    "a transaction's vitals": (
        "transaction",
        {
            "transaction": "/rooms/[id]",
            "request": {"url": "https://x.test/rooms/7", "headers": {"User-Agent": "Chrome/1"}},
            **ATTRS,
            "measurements": {
                "lcp": {"value": 2.5, "unit": "second"},
                "cls": {"value": 0.1, "unit": ""},
                "ttfb": {"value": 99.5, "unit": "millisecond"},
                "fp": {"value": 7},
                "fcp": {"value": "x"},
                "inp": 7,
            },
        },
        [
            vital(
                name,
                value,
                metric_id=ID,
                route="/rooms/[id]",
                url="https://x.test/rooms/7",
                **ATTRS,
                user_agent="Chrome/1",
            )
            for name, value in (("LCP", 2500.0), ("CLS", 0.1), ("TTFB", 99.5))
        ],
    ),
    "a vital beyond its unit": (
        "transaction",
        {"measurements": {"lcp": {"value": 1e300, "unit": "second"}}},
        [vital("LCP", 60_000.0, metric_id=ID)],
    ),
    "a span": (
        "span",
        {
            "op": "ui.interaction.click",
            "timestamp": 1_795_532_400,
            "measurements": {"inp": {"value": 96, "unit": "millisecond"}},
            "data": {**ATTRS, "transaction": "/pay", "user_agent.original": "Chrome/1"},
            "trace_id": ID,
        },
        [vital("INP", 96.0, metric_id=ID, route="/pay", **ATTRS, user_agent="Chrome/1")],
    ),
    "streamed spans": (
        "span",
        {
            "version": 2,
            "items": [
                {
                    "end_timestamp": 1_795_532_400,
                    "attributes": {
                        "browser.web_vital.lcp.value": {"type": "double", "value": 1200.5},
                        "sentry.segment.name": {"type": "string", "value": "/pay"},
                        "sentry.release": {"type": "string", "value": "web@1"},
                        "url.full": {"type": "string", "value": "https://x.test/pay"},
                    },
                },
                {"attributes": {"sentry.op": {"type": "string", "value": "http.client"}}},
                7,
            ],
        },
        [vital("LCP", 1200.5, route="/pay", url="https://x.test/pay", release="web@1")],
    ),
    "streamed spans of a page without a named route": (
        "span",
        {
            "version": 2,
            "items": [
                {
                    "end_timestamp": 1_795_532_400,
                    "attributes": {
                        "browser.web_vital.lcp.value": {"type": "integer", "value": 168},
                        "sentry.segment.name": {"type": "string", "value": "Pageload"},
                        "sentry.segment.id": {"type": "string", "value": "98e78d33ce381f15"},
                    },
                },
                {
                    "span_id": "98e78d33ce381f15",
                    "is_segment": True,
                    "end_timestamp": 1_795_532_400,
                    "attributes": {
                        "sentry.segment.name": {"type": "string", "value": "Pageload"},
                        "url.path": {"type": "string", "value": "/pay"},
                        "url.full": {"type": "string", "value": "https://x.test/pay"},
                    },
                },
                {
                    "end_timestamp": 1_795_532_400,
                    "attributes": {
                        "browser.web_vital.inp.value": {"type": "integer", "value": 8},
                        "sentry.segment.name": {"type": "string", "value": "Pageload"},
                        "sentry.segment.id": {"type": "string", "value": "of another envelope"},
                    },
                },
            ],
        },
        [vital("LCP", 168.0, route="/pay", url="https://x.test/pay"), vital("INP", 8.0)],
    ),
    "a check-in": (
        "check_in",
        {
            "check_in_id": "FEDCBA98-7654-3210-FEDC-BA9876543210",
            "monitor_slug": "nightly",
            "status": "ok",
            "duration": 1.5,
            **ATTRS,
            "monitor_config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}},
        },
        [
            (
                "check-ins",
                {
                    "timestamp": NOW,
                    "monitor": "nightly",
                    "status": "ok",
                    "check_in": ID,
                    "duration_seconds": 1.5,
                    **ATTRS,
                    "config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}},
                    **COMMON,
                },
            )
        ],
    ),
    "a client's report": (
        "client_report",
        {
            "timestamp": 1_795_532_399,
            "discarded_events": [
                {"reason": "sample_rate", "category": "error", "quantity": 3},
                {"reason": "network_error", "category": "session", "quantity": 1},
                {"reason": "x", "category": "y", "quantity": -1},
            ],
        },
        [
            (
                "drops",
                {
                    "timestamp": "2026-11-24T14:59:59.000Z",
                    "reason": reason,
                    "category": category,
                    "quantity": quantity,
                    **COMMON,
                },
            )
            for reason, category, quantity in (
                ("sample_rate", "error", 3),
                ("network_error", "session", 1),
            )
        ],
    ),
    "a line of a log": (
        "log",
        {"timestamp": 1_795_532_400, "level": "warn", "body": "no pears", "trace_id": ID},
        [
            (
                "logs",
                {"timestamp": NOW, "message": "no pears", "level": "warn", "trace": ID, **COMMON},
            )
        ],
    ),
    "a container of lines": (
        "log",
        {
            "items": [
                {
                    "body": "a",
                    "attributes": {
                        "sentry.release": {"type": "string", "value": "web@1"},
                        "sentry.environment": {"type": "string", "value": "live"},
                        "shelf": {"type": "integer", "value": 4},
                    },
                },
                {"body": {"stringValue": "b"}},
            ]
        },
        [
            (
                "logs",
                {"timestamp": NOW, "message": "a", "attributes": {"shelf": 4}, **ATTRS, **COMMON},
            ),
            ("logs", {"timestamp": NOW, "message": "b", **COMMON}),
        ],
    ),
    "feedback": (
        "feedback",
        {
            **ATTRS,
            "tags": {"a": 1},
            "contexts": {
                "feedback": {
                    "message": "it hangs",
                    "name": "Ann",
                    "contact_email": "ann@example.org",
                    "url": "https://x.test/pay",
                    "associated_event_id": ID,
                }
            },
        },
        [
            (
                "feedback",
                {
                    "timestamp": NOW,
                    "message": "it hangs",
                    "name": "Ann",
                    "email": "ann@example.org",
                    "event": ID,
                    "url": "https://x.test/pay",
                    **ATTRS,
                    "tags": {"a": "1"},
                    **COMMON,
                },
            )
        ],
    ),
    "a user's report": (
        "user_report",
        {"event_id": ID, "comments": "it hangs", "email": "ann@example.org", "name": "Ann"},
        [
            (
                "feedback",
                {
                    "timestamp": NOW,
                    "message": "it hangs",
                    "name": "Ann",
                    "email": "ann@example.org",
                    "event": ID,
                    **COMMON,
                },
            )
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_items(name: str) -> None:
    """Each item is the reports that it should be, whole."""
    type_, payload, expected = CASES[name]
    taken = envelope(type_, payload)
    assert reports(taken) == expected
    assert (taken.causes, taken.skipped) == ((), {})


@pytest.mark.parametrize("name", CASES)
def test_any_type_in_any_field(name: str) -> None:
    """A field may be of any type: it is read, left out or named as a fault, and breaks nothing."""
    type_, payload, _ = CASES[name]
    assert isinstance(payload, dict)
    for field in payload:
        for odd in (None, True, -1, 10**30, 1e308, "", [], [1], {}, {"a": 1}):
            envelope(type_, payload | {field: odd})


NOTHING: dict[str, tuple[str, dict[str, Any]]] = {
    "a session without a release": ("session", {"sid": "s1", "init": True}),
    "aggregates without a release": ("sessions", {"aggregates": [{"exited": 1}]}),
    "a transaction without vitals": ("transaction", {"transaction": "/x", "measurements": {}}),
    "a span without vitals": ("span", {"op": "db"}),
    "a client that dropped nothing": ("client_report", {"discarded_events": []}),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_to_keep(name: str) -> None:
    """What says nothing that Equerry keeps is no fault; it is counted by its type."""
    type_, payload = NOTHING[name]
    taken = envelope(type_, payload)
    assert (taken.accepted, taken.causes, taken.skipped) == ((), (), {type_: 1})


@pytest.mark.parametrize("type_", readers.SKIPPED)
def test_skipped(type_: str) -> None:
    """What nobody reads is counted by its type, whatever it holds."""
    raw = b'{}\n{"type":"' + type_.encode() + b'","length":3}\n\xff\x00\n\n'
    assert readers.read(raw, SENDER, NOW_MS).skipped == {type_: 1}


@pytest.mark.parametrize("type_", readers.READERS)
@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'"x"', b"\xff", b"[" * 2_000, b"NaN"])
def test_payloads_that_are_no_object(type_: str, payload: bytes) -> None:
    """They are named, and cost nothing else of the envelope."""
    raw = b"\n".join(
        (b"{}", b'{"type":"' + type_.encode() + b'"}', payload, b'{"type":"event"}', b"{}")
    )
    taken = readers.read(raw, SENDER, NOW_MS)
    assert [one.kind for one in taken.accepted] == ["errors"]
    assert [cause.field for cause in taken.causes] == ["items[0]"]


def test_a_monitors_slug_has_no_white_space() -> None:
    """`a b` is not the monitor `a` in the environment `b`."""
    [(_, report)] = reports(envelope("check_in", {"monitor_slug": " a b\tc ", "status": "ok"}))
    assert report["monitor"] == "a-b-c"


@pytest.mark.parametrize(
    "payload",
    [{"status": "ok"}, {"monitor_slug": "m"}, {"monitor_slug": "m", "status": ["ok"]}],
)
def test_check_ins_that_say_too_little(payload: dict[str, Any]) -> None:
    """A check-in needs its monitor and a status that there is."""
    taken = envelope("check_in", payload)
    assert (taken.accepted, len(taken.causes)) == ((), 1)


def test_a_container_has_an_end() -> None:
    """One envelope is so many reports at most; what goes beyond is counted."""
    lines = {"items": [{"body": str(number)} for number in range(900)]}
    item = b'{"type":"log"}\n' + json.dumps(lines).encode() + b"\n"
    taken = readers.read(b"{}\n" + item * 2, SENDER, NOW_MS)
    assert len(taken.accepted) == readers.REPORTS
    assert taken.skipped == {"other": 800}


BROWSERS: dict[str, tuple[object, dict[str, Any]]] = {
    "report-uri": (
        {
            "csp-report": {
                "document-uri": "https://x.test/pay",
                "violated-directive": "script-src-elem 'self'",
                "effective-directive": "script-src-elem",
                "blocked-uri": "https://evil.test/a.js?q=1",
                "source-file": "https://x.test/app.js",
                "line-number": 7,
                "column-number": 9,
                "disposition": "enforce",
            }
        },
        {
            "name": "ContentSecurityPolicy",
            "message": "Blocked https://evil.test by script-src-elem",
            "level": "warning",
            "url": "https://x.test/pay",
            "stack": "    at https://x.test/app.js:7:9",
            "group_by": ["csp-violation", "script-src-elem", "https://evil.test"],
            "tags": {
                "directive": "script-src-elem",
                "blocked": "https://evil.test",
                "disposition": "enforce",
            },
        },
    ),
    "report-to": (
        [
            {
                "type": "csp-violation",
                "age": 1000,
                "url": "https://x.test/",
                "user_agent": "Chrome/1",
                "body": {
                    "documentURL": "https://x.test/pay",
                    "blockedURL": "inline",
                    "effectiveDirective": "style-src",
                    "disposition": "report",
                },
            }
        ],
        {
            "timestamp": "2026-11-24T14:59:59.000Z",
            "message": "Would block inline by style-src",
            "url": "https://x.test/pay",
            "user_agent": "Chrome/1",
            "group_by": ["csp-violation", "style-src", "inline"],
        },
    ),
    "an extension's": (
        {
            "csp-report": {
                "blocked-uri": "chrome-extension://abc/x.js",
                "effective-directive": "script-src",
            }
        },
        {
            "message": "Blocked chrome-extension by script-src",
            "stack": "    at chrome-extension://abc/x.js:0:0",
        },
    ),
    "deprecation": (
        [{"type": "deprecation", "body": {"id": "unload", "message": "Unload is gone."}}],
        {
            "name": "Deprecation",
            "message": "Unload is gone.",
            "group_by": ["deprecation", "unload"],
            "tags": {"reported": "unload"},
        },
    ),
    "crash": (
        [{"type": "crash", "url": "https://x.test/", "body": {"reason": "oom"}}],
        {"name": "BrowserCrash", "message": "crash oom", "group_by": ["crash", "oom"]},
    ),
    "network error": (
        [{"type": "network-error", "body": {"type": "tcp.timed_out", "phase": "connection"}}],
        {"name": "NetworkError", "message": "network-error tcp.timed_out"},
    ),
    "of tomorrow": (
        [{"type": "x", "body": {"a": [1]}}],
        {"name": "x", "extra": {"report": {"a": [1]}}},
    ),
    "odd": (
        {"csp-report": {"blocked-uri": "https://[x", "line-number": "x", "document-uri": 7}},
        {"message": "Blocked something by a directive"},
    ),
}


@pytest.mark.parametrize("name", BROWSERS)
def test_browsers_reports(name: str) -> None:
    """Each is a warning that says what happened, where, and what it is grouped by."""
    body, expected = BROWSERS[name]
    [(kind, report)] = reports(readers.browser(json.dumps(body).encode(), SENDER, NOW_MS))
    assert kind == "errors"
    assert {field: report.get(field) for field in expected} == expected
    assert report["level"] == "warning"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"7", b'[{"type":"x"}]', b'{"csp-report":7}'])
def test_what_is_no_browsers_report(body: bytes) -> None:
    """It is refused with 400."""
    with pytest.raises(Refused) as refused:
        readers.browser(body, SENDER, NOW_MS)
    assert refused.value.status == 400


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "unit", "feedback", "lcp", "a"]), inner)
    ),
    max_leaves=9,
)
_FIELDS = st.sampled_from(
    [
        "attrs",
        "aggregates",
        "measurements",
        "items",
        "attributes",
        "data",
        "timestamp",
        "duration",
        "discarded_events",
        "contexts",
        "tags",
        "body",
        "level",
        "sid",
        "did",
        "errors",
        "request",
        "check_in_id",
        "monitor_config",
        "transaction",
        "message",
        "comments",
        "trace_id",
    ]
)


@settings(max_examples=300, deadline=None)
@given(type_=st.sampled_from(sorted(readers.READERS)), payload=st.dictionaries(_FIELDS, _VALUES))
def test_anything_in_any_item(type_: str, payload: dict[str, Any]) -> None:
    """Whatever an item holds, what is made of it reads back as its own type."""
    reports(envelope(type_, {"monitor_slug": "m", "status": "ok", **payload}))


@settings(max_examples=150, deadline=None)
@given(body=_VALUES, type_=_VALUES, age=_VALUES)
def test_anything_in_a_browsers_report(body: object, type_: object, age: object) -> None:
    """The same for what browsers report."""
    raw = json.dumps([{"type": type_, "age": age, "body": {"message": body, "id": type_}}])
    reports(readers.browser(raw.encode(), SENDER, NOW_MS))
