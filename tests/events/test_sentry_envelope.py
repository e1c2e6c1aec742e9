"""An envelope's framing: what is one, what is none, and that nothing is lost in between."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equerry.errors import Refused
from equerry.events.sentry import envelope

TAKEN: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "a header alone": (b"{}", []),
    "a header and its newline": (b'{"event_id":"x"}\n', []),
    "without a length": (b'{}\n{"type":"event"}\n{"a":1}\n', [("event", b'{"a":1}')]),
    "without the last newline": (b'{}\n{"type":"event"}\n{"a":1}', [("event", b'{"a":1}')]),
    "with a length": (b'{}\n{"type":"event","length":3}\n{\n}\n', [("event", b"{\n}")]),
    "with a length, to the end": (b'{}\n{"type":"a","length":2}\n{}', [("a", b"{}")]),
    "of no bytes": (b'{}\n{"type":"a","length":0}\n\n{"type":"b"}\nx', [("a", b""), ("b", b"x")]),
    "of no bytes, at the end": (b'{}\n{"type":"a","length":0}', [("a", b"")]),
    "without a payload": (b'{}\n{"type":"event"}', [("event", b"")]),
    "binary": (
        b'{}\n{"type":"attachment","length":4}\n\n\xff\x00\n\n',
        [("attachment", b"\n\xff\x00\n")],
    ),
    "empty lines between": (b'{}\n\n{"type":"a"}\nx\n\n\n', [("a", b"x")]),
    "carriage returns": (b'{}\r\n{"type":"a"}\r\n{}\r\n', [("a", b"{}\r")]),
    "no type": (b"{}\n{}\nx", [("", b"x")]),
    "a type of another type": (b'{}\n{"type":7}\nx', [("", b"x")]),
    "more in the headers": (b'{"sdk":{"a":[1]}}\n{"type":"a","x":{}}\ny', [("a", b"y")]),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    """All that SDKs may send is read."""
    raw, items = TAKEN[name]
    assert [(item.type, bytes(item.payload)) for item in envelope.split(raw).items] == items


REFUSED = {
    "nothing": b"",
    "no JSON": b"hello\n",
    "no object": b"[]\n",
    "a cut header": b'{"event_id":',
    "a header of 9 KiB": b'{"a":"' + b"x" * 9_000 + b'"}\n',
    "a header without an end": b"x" * 9_000,
    "a header of brackets": b'{"a":' + b"[" * 8_000 + b"\n",
    "an item's header that is none": b"{}\nevent\n{}",
    "an item's header of 9 KiB": b'{}\n{"a":"' + b"x" * 9_000 + b'"}\n{}',
    "shorter than its length": b'{}\n{"type":"event","length":9}\n{}\n',
    "longer than its length": b'{}\n{"type":"event","length":1}\n{}\n',
    "a length below zero": b'{}\n{"type":"event","length":-1}\n{}\n',
    "a length of text": b'{}\n{"type":"event","length":"2"}\n{}\n',
    "a length of truth": b'{}\n{"type":"event","length":true}\n{}\n',
    "a length of 400 digits": b'{}\n{"type":"event","length":' + b"9" * 400 + b"}\n{}\n",
    "a length where nothing follows": b'{}\n{"type":"event","length":1}',
    "101 items": b"{}\n" + b'{"type":"a"}\nx\n' * 101,
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What is no envelope is 400, and the answer names the part."""
    with pytest.raises(Refused) as refused:
        envelope.split(REFUSED[name])
    assert refused.value.status == 400
    assert refused.value.causes[0].field


@given(
    items=st.lists(
        st.tuples(st.text(max_size=9), st.binary(max_size=40), st.booleans()), max_size=9
    ),
    is_closed=st.booleans(),
)
def test_round_trip(items: list[tuple[str, bytes, bool]], is_closed: bool) -> None:
    """Whatever is put into an envelope is found in it again, with a length or without."""
    lines = [b"{}"]
    for type_, payload, has_length in items:
        header: dict[str, object] = {"type": type_}
        if has_length or b"\n" in payload:
            header["length"] = len(payload)
        lines += [json.dumps(header).encode(), payload]
    raw = b"\n".join(lines) + (b"\n" if is_closed else b"")
    found = [(item.type, bytes(item.payload)) for item in envelope.split(raw).items]
    assert found == [(type_, payload) for type_, payload, _ in items]


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: b"{}\n" + tail))
def test_any_bytes(raw: bytes) -> None:
    """Bytes of any kind are an envelope or refused, nothing else."""
    try:
        envelope.split(raw)
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017, either is right


def test_the_header_alone() -> None:
    """A tunnel's DSN is read without the items."""
    assert envelope.header_of(b'{"dsn":"https://k@h/1"}\nnonsense').dsn == "https://k@h/1"
