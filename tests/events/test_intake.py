import math
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from equerry.events import intake
from equerry.events.fields import ID_PATTERN, MOMENT_PATTERN
from equerry.events.report import ErrorReport, MetricReport

NOW = 1_795_532_400_123
NOW_TEXT = "2026-11-24T15:00:00.123Z"
SENDER = intake.Sender(user_agent="Mozilla/5.0", address="192.0.2.0/24")
HEX = "0123456789abcdef0123456789abcdef"


def error(**given_fields: Any) -> ErrorReport:
    """Send one error; return what was accepted."""
    taken = intake.errors({"message": "boom", **given_fields}, SENDER, NOW)
    assert taken.causes == ()
    return msgspec.json.decode(taken.accepted[0].raw, type=ErrorReport)


def metric(**given_fields: Any) -> MetricReport:
    """Send one metric; return what was accepted."""
    taken = intake.metrics(given_fields, SENDER, NOW)
    assert taken.causes == ()
    return msgspec.json.decode(taken.accepted[0].raw, type=MetricReport)


def faults(value: object) -> list[str]:
    """Send errors; return the fields that were named."""
    return [cause.field for cause in intake.errors(value, SENDER, NOW).causes]


def test_the_least_error() -> None:
    """A message is enough; time and sender are added, and an id of 32 hex digits."""
    (accepted,) = intake.errors({"message": "boom"}, SENDER, NOW).accepted
    assert accepted.kind == "errors"
    assert len(accepted.id) == 32
    assert int(accepted.id, 16) >= 0
    assert accepted.raw.startswith(b'{"timestamp":"' + NOW_TEXT.encode() + b'","message":"boom"')
    report = msgspec.json.decode(accepted.raw, type=ErrorReport)
    assert (report.user_agent, report.address) == ("Mozilla/5.0", "192.0.2.0/24")


def test_every_field_of_an_error_is_kept() -> None:
    """What the documentation lists arrives as it was sent."""
    sent: dict[str, Any] = {
        "message": "boom",
        "name": "TypeError",
        "stack": "at x",
        "level": "info",
        "boundary": "page",
        "component": "Cart",
        "url": "https://example.org/book",
        "release": "1.2.3",
        "environment": "production",
        "user": "u-1",
        "tags": {"a": "b"},
        "extra": {"n": 1},
        "breadcrumbs": [{"x": 1}],
        "timestamp": NOW_TEXT,
        "handled": False,
        "retry_count": 3,
    }
    assert msgspec.to_builtins(error(**sent)) == {
        **sent,
        "user_agent": "Mozilla/5.0",
        "address": "192.0.2.0/24",
    }


@pytest.mark.parametrize("name", [*intake.error_schema()["properties"]])
def test_null_is_absent(name: str) -> None:
    """Null in any field but message is as if it were not there."""
    expected = ["message"] if name == "message" else []
    assert faults({"message": "boom", name: None}) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message", 1),
        ("name", []),
        ("stack", {}),
        ("level", "loud"),
        ("level", 3),
        ("boundary", "Page"),
        ("user", 7),
        ("tags", []),
        ("extra", "x"),
        ("breadcrumbs", {}),
        ("handled", 1),
        ("handled", "true"),
        ("retry_count", -1),
        ("retry_count", 1001),
        ("retry_count", 1.5),
        ("retry_count", True),
        ("id", "xyz"),
        ("id", HEX[:-1]),
        ("id", HEX + "\n"),
        ("timestamp", "yesterday"),
        ("timestamp", "2026-02-30"),
        ("timestamp", "1969-12-31T23:59:59Z"),
        ("timestamp", -1),
        ("timestamp", 10**4000),
        ("timestamp", True),
        ("timestamp", []),
    ],
)
def test_a_wrong_value_is_named(field: str, value: object) -> None:
    """A value of the wrong type or out of range is refused by its field."""
    taken = intake.errors({"message": "boom", field: value}, SENDER, NOW)
    assert not taken.accepted
    assert [cause.field for cause in taken.causes] == [field]


def test_every_fault_is_named_once() -> None:
    """All faults of an event are told at once, the missing message among them."""
    assert faults({"level": "loud", "tags": {"a": []}}) == ["level", "tags.a", "message"]
    assert faults({"message": 1}) == ["message"]


def test_the_faults_of_one_event_are_bounded() -> None:
    """A reply is not larger than what was sent."""
    assert len(faults({"message": "m", "tags": {str(n): [] for n in range(5000)}})) == 20


def test_a_batch_takes_the_good_and_names_the_bad() -> None:
    """Each bad one is named by its place, and the others are taken."""
    taken = intake.errors([{"message": "a"}, {}, 7, {"message": "b", "level": ""}], SENDER, NOW)
    assert len(taken.accepted) == 1
    assert [cause.field for cause in taken.causes] == ["[1].message", "[2]", "[3].level"]


@pytest.mark.parametrize("value", [[], [{"message": "m"}] * 101, "x", 1, None, True])
def test_what_is_no_batch_is_refused(value: object) -> None:
    """Only an object, or an array of 1 to 100, is read at all."""
    taken = intake.errors(value, SENDER, NOW)
    assert (taken.accepted, [cause.field for cause in taken.causes]) == ((), ["body"])


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("message", 8192),
        ("name", 256),
        ("stack", 65536),
        ("url", 2048),
        ("release", 200),
        ("environment", 64),
        ("component", 200),
        ("user", 128),
    ],
)
def test_long_text_is_cut_and_marked(field: str, limit: int) -> None:
    """The limit itself passes whole; one more is cut, and its length is kept."""
    assert error(**{field: "é" * limit}).cut == {}
    report = error(**{field: "é" * (limit + 1)})
    assert len(getattr(report, field)) == limit
    assert report.cut == {field: limit + 1}


def test_tags_become_short_text() -> None:
    """Numbers and booleans become text, null is left out, the 101st tag and long values are cut."""
    assert error(tags={"n": 1, "f": 0.5, "b": True, "z": None, "s": ""}).tags == {
        "n": "1",
        "f": "0.5",
        "b": "true",
        "s": "",
    }
    report = error(tags={f"k{n:03d}": "v" * 201 for n in range(150)})
    assert len(report.tags) == 100
    assert report.cut["tags"] == 150
    assert report.cut["tags.k000"] == 201
    assert len(report.tags["k000"]) == 200


def test_the_last_breadcrumbs_are_kept() -> None:
    """What happened just before the error is what helps."""
    report = error(breadcrumbs=[*range(130)])
    assert report.breadcrumbs == [*range(30, 130)]
    assert report.cut == {"breadcrumbs": 130}


def test_extra_is_cut_below_seven_levels() -> None:
    """Seven levels are kept, the rest becomes a word."""
    deep: Any = "leaf"
    for _ in range(9):
        deep = {"d": deep}
    report = error(extra=deep)
    assert msgspec.json.encode(report.extra) == b'{"d":' * 7 + b'"[Cut]"' + b"}" * 7
    assert report.cut == {"extra": 1}


def test_unknown_fields_are_kept_in_extra() -> None:
    """Nothing that was sent is lost, not even where the names meet."""
    report = error(digest="123", address="mine", extra={"digest": "own"})
    assert report.extra == {"digest": "own", "digest_": "123", "address": "mine"}
    assert report.address == "192.0.2.0/24"


def test_integers_that_no_reader_holds_become_text() -> None:
    """4,300 digits hurt nobody later."""
    huge = 10**4000
    report = error(extra={"n": huge, "m": -huge, "ok": 2**63 - 1}, tags={"t": huge})
    assert report.extra == {"n": str(huge), "m": str(-huge), "ok": 2**63 - 1}
    assert report.cut == {"tags.t": 4001}


@pytest.mark.parametrize(
    ("sent", "level"), [("warn", "warning"), ("critical", "fatal"), ("debug", "debug")]
)
def test_levels_of_other_loggers(sent: str, level: str) -> None:
    """Other loggers' words for a level are understood."""
    assert error(level=sent).level == level


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-11-24T15:00:00.123Z", NOW_TEXT),
        ("2026-11-24T16:00:00.123456+01:00", NOW_TEXT),
        ("2026-11-24 15:00:00,123", NOW_TEXT),
        ("2026-11-24", "2026-11-24T00:00:00.000Z"),
        (NOW, NOW_TEXT),
        (float(NOW) + 0.9, NOW_TEXT),
        (0, "1970-01-01T00:00:00.000Z"),
        ("1970-01-01T00:00:00+14:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ("2000-02-29T00:00", "2000-02-29T00:00:00.000Z"),
    ],
)
def test_times_have_one_form(sent: object, kept: str) -> None:
    """ISO 8601 and epoch milliseconds become RFC 3339 in UTC."""
    assert error(timestamp=sent).timestamp == kept


@given(st.from_regex(MOMENT_PATTERN, fullmatch=True))
def test_every_time_of_the_pattern_is_a_time(text: str) -> None:
    """What the schema's pattern takes, the door takes."""
    assert len(error(timestamp=text).timestamp) == 24


@pytest.mark.parametrize("sent", [HEX, HEX.upper(), "01234567-89ab-cdef-0123-456789abcdef"])
def test_ids_are_32_hex(sent: str) -> None:
    """A client's own id is kept, without dashes and in lower case."""
    assert intake.errors({"message": "m", "id": sent}, SENDER, NOW).accepted[0].id == HEX
    sent_metric = {"event": "page_view", "event_id": sent}
    assert intake.metrics(sent_metric, SENDER, NOW).accepted[0].id == HEX


def test_web_vital() -> None:
    """The library's own form is read; what it carries besides is dropped."""
    report = metric(
        name="LCP",
        value=1234.5,
        delta=1234.5,
        rating="good",
        id="v6-1795532400123-4821059173648",
        navigationType="soft-navigation",
        navigationId="abc",
        navigationURL="https://example.org/a",
        attribution={"element": "#x"},
        entries=[{"startTime": 1}],
    )
    assert report == MetricReport(
        timestamp=NOW_TEXT,
        name="LCP",
        value=1234.5,
        delta=1234.5,
        rating="good",
        metric_id="v6-1795532400123-4821059173648",
        navigation_type="soft-navigation",
        navigation_id="abc",
        navigation_url="https://example.org/a",
        attribution={"element": "#x"},
        user_agent="Mozilla/5.0",
        address="192.0.2.0/24",
    )


@pytest.mark.parametrize(
    ("sent", "attribute", "kept"),
    [
        ({"name": "LCP", "value": 10**400}, "value", 60_000.0),
        ({"name": "LCP", "value": -5}, "value", 0.0),
        ({"name": "CLS", "value": 1e9}, "value", 100.0),
        ({"name": "FID", "value": 3}, "value", 3.0),
        ({"name": "Next.js-hydration", "value": 1e9}, "value", 60_000.0),
        ({"name": "bundle-bytes", "value": 300_000}, "value", 300_000.0),
        ({"name": "bundle-bytes", "value": -(10**400)}, "value", -1e12),
        ({"name": "CLS", "value": 1, "delta": -1e9}, "delta", -100.0),
        ({"event": "search", "duration": 1e9}, "duration", 60_000.0),
        ({"event": "search", "duration": -1}, "duration", 0.0),
        ({"event": "page_view"}, "duration", None),
    ],
)
def test_values_are_brought_into_range(sent: Any, attribute: str, kept: float | None) -> None:
    """Times hold a minute, CLS a hundred, and what has a unit of its own is left alone."""
    assert getattr(metric(**sent), attribute) == kept


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({}, ["name"]),
        ({"name": "LCP"}, ["value"]),
        ({"name": "", "value": 1}, ["name"]),
        ({"event": "search"}, ["duration"]),
        ({"event": "search", "duration": True}, ["duration"]),
        ({"name": "LCP", "value": "1"}, ["value"]),
        ({"name": "LCP", "value": 1, "tags": 1, "delta": "x"}, ["tags", "delta"]),
    ],
)
def test_an_incomplete_metric_is_named(sent: Any, fields: list[str]) -> None:
    """A name wants a value, an event a duration, and numbers are numbers."""
    taken = intake.metrics(sent, SENDER, NOW)
    assert ([cause.field for cause in taken.causes], taken.accepted) == (fields, ())


KEYS = st.sampled_from(
    sorted({*intake.error_schema()["properties"], *intake.metric_schema()["properties"]})
) | st.text(max_size=3)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["fatal", "page", "page_view", HEX, NOW_TEXT, NOW])
    | st.from_regex(MOMENT_PATTERN)
    | st.from_regex(ID_PATTERN),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


EVENTS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(EVENTS | st.lists(EVENTS | VALUES, max_size=3) | VALUES)
def test_any_value_is_taken_or_named(value: Any) -> None:
    """No JSON value raises; what is accepted is a readable report, what is not has a cause."""
    for read, kind in ((intake.errors, ErrorReport), (intake.metrics, MetricReport)):
        taken = read(value, SENDER, NOW)
        assert taken.accepted or taken.causes
        for accepted in taken.accepted:
            assert accepted.raw.startswith(b'{"timestamp":"')
            report = msgspec.json.decode(accepted.raw, type=kind)
            assert math.isfinite(getattr(report, "value", None) or 0.0)


# Mostly right, so that the fine print is reached.
LIKELY = st.fixed_dictionaries(
    {}, optional={"message": st.text(), "event": st.text(max_size=1), "name": st.text(max_size=1)}
) | st.fixed_dictionaries(
    {"message": st.just("m"), "event": st.just("e"), "duration": st.just(1)},
    optional={name: VALUES for name in intake.error_schema()["properties"] if name != "message"},
)


@settings(max_examples=150)
@given(EVENTS | LIKELY)
def test_the_schemas_are_honest(value: Any) -> None:
    """What a schema calls valid is accepted, and what it calls invalid is refused."""
    for read, schema in (
        (intake.errors, intake.error_schema()),
        (intake.metrics, intake.metric_schema()),
    ):
        valid = jsonschema_rs.Draft202012Validator(schema).is_valid(value)
        assert bool(read(value, SENDER, NOW).accepted) is valid
