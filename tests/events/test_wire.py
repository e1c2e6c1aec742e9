import contextlib

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from equerry.errors import Refused
from equerry.events import limits, wire
from equerry.events.containers import prune

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b" [1, 2]\r\n", [1, 2]),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"cut \\ud83d"', "cut �"),
        (b'"\\ude00 turned \\ud83d"', "� turned �"),
        (b'"\\ud83d\\ud83d\\ude00"', "�\U0001f600"),
        (b'["\\\\ud83d", "\\ud83d"]', ["\\ud83d", "�"]),
        (b'{"\\uD83D": 1}', {"�": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"[[[[[[[[[[[[[[[[[[[["', "[" * 20),
        (b'["\\"[[[[[[[[[[[[[[[[[[[["]', ['"' + "[" * 20]),
        (b"[" + b"[]," * 50 + b"{}]", [*([[]] * 50), {}]),
    ],
)
def test_accepts(body: bytes, value: object) -> None:
    """Strict JSON is read; half an emoji becomes a replacement character, in keys as well."""
    assert wire.parse(body).value == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"NaN",
        b"[Infinity]",
        b"[1e999]",
        b"[" + b"1" * 5000 + b"]",
        b'["\xff"]',
        b'["\xed\xa0\x80"]',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'"a\nb"',
        b"{} {}",
        b"[1,]",
        b'{"a": 1',
        b'"\\ud83d',
        b"]" * 40,
        b"][" * 40,
        b"]" + b"[]" * 40,
    ],
)
def test_refuses(body: bytes) -> None:
    """Whatever is not strict JSON in UTF-8 is a 400 that names the body."""
    with pytest.raises(Refused) as refused:
        wire.parse(body)
    assert refused.value.status == 400
    assert [cause.field for cause in refused.value.causes] == ["body"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_depth_is_measured_before_parsing(opening: bytes, closed: bool) -> None:
    """50,000 levels are refused for their depth, closed or not."""
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b'"a:')[::-1] if closed else b""
    with pytest.raises(Refused) as refused:
        wire.parse(opening * 50_000 + b"1" + closing * 50_000)
    assert refused.value.causes[0].problem == "is nested too deeply"
    assert refused.value.causes[0].limit == "16 levels"


@pytest.mark.parametrize("depth", [1, 2, 15, 16, 17, 18])
def test_depth_is_exact(depth: int) -> None:
    """max_depth levels pass and one more does not, however many brackets stand beside them."""
    body = b'[[],"]",' * (depth - 1) + b"[]" + b"]" * (depth - 1)
    if depth <= 16:
        assert wire.parse(body).value == msgspec.json.decode(body)
    else:
        with pytest.raises(Refused):
            wire.parse(body)


@given(JSON)
def test_reads_what_an_encoder_writes(value: object) -> None:
    """Any JSON value survives the trip."""
    body = msgspec.json.encode(value)
    assert wire.parse(body, max_depth=64).value == msgspec.json.decode(body)


@given(st.binary() | st.text(alphabet='[]{}":,\\ud8f0dce 1eE-+.tn\n').map(str.encode))
@example(b'"\\ud800\\')
@example(b'"\\ud')
def test_never_another_exception(body: bytes) -> None:
    """Any bytes at all are an encodable value or Refused."""
    with contextlib.suppress(Refused):
        msgspec.json.encode(wire.parse(body))


@given(JSON)
@example([[[[[[[1]]]]]]])
@example([[[[[[[[1]]]]]]]])
@example([1 << 63])
@example([-(1 << 63)])
@example({"a": (1 << 64) + 1})
def test_what_is_plain_needs_no_pruning(value: object) -> None:
    """A body is called plain exactly where pruning it as a whole would change nothing."""
    cut: list[int] = []
    pruned = prune(value, limits.DEPTH, cut.append)
    assert wire.parse(msgspec.json.encode(value)).plain is (pruned == value and not cut)
