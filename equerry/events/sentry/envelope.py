"""An envelope's framing: a header line, then for each item a header line and its payload."""

from typing import Any, NamedTuple, TypeVar

import msgspec

from equerry.errors import Cause, Refused

Form = TypeVar("Form")

HEADER_LINE_BYTES = 8 * 1024
# SDKs send one to three. A session each is the most that Sentry takes, and it takes 100 of them.
ITEMS = 100


class Header(msgspec.Struct, frozen=True):
    """What is read of the first line, as it was sent: of any type."""

    event_id: Any = None
    dsn: Any = None


class Item(NamedTuple):
    """One item. type: empty where its header names none. payload: a part of the whole bytes."""

    type: str
    payload: memoryview


class Envelope(NamedTuple):
    """A whole envelope; it may hold nothing but its header."""

    header: Header
    items: tuple[Item, ...]


class _ItemHeader(msgspec.Struct, frozen=True):
    type: Any = None
    length: Any = None


_HEADER = msgspec.json.Decoder(Header)
_ITEM_HEADER = msgspec.json.Decoder(_ItemHeader)


def split(raw: bytes) -> Envelope:
    """Return the envelope's parts; their payloads are not looked at.

    Raises Refused (400) for a header that is no JSON object or longer than HEADER_LINE_BYTES, a
    payload that is shorter than its header says, and more than ITEMS items.
    """
    end = _line_end(raw, 0, "header")
    header = _decode(_HEADER, raw[:end], "header")
    items: list[Item] = []
    view = memoryview(raw)
    at = end + 1
    while at < len(raw):
        field = f"items[{len(items)}]"
        end = _line_end(raw, at, field)
        line = raw[at:end]
        at = end + 1
        if not line.strip():
            continue
        if len(items) == ITEMS:
            raise _refused("items", "are too many", f"{ITEMS} in an envelope")
        given = _decode(_ITEM_HEADER, line, field)
        end = _payload_end(raw, at, given.length, field)
        type_ = given.type if isinstance(given.type, str) else ""
        items.append(Item(type_, view[at:end]))
        at = end + 1
    return Envelope(header, tuple(items))


def header_of(raw: bytes) -> Header:
    """Return the first line alone. Raises Refused as `split` does."""
    return _decode(_HEADER, raw[: _line_end(raw, 0, "header")], "header")


def _line_end(raw: bytes, at: int, field: str) -> int:
    end = raw.find(b"\n", at, at + HEADER_LINE_BYTES + 1)
    if end >= 0:
        return end
    if len(raw) - at > HEADER_LINE_BYTES:
        raise _refused(field, "is a header line that is too long", f"{HEADER_LINE_BYTES} bytes")
    return len(raw)


def _payload_end(raw: bytes, at: int, length: object, field: str) -> int:
    if length is None:
        end = raw.find(b"\n", at)
        return end if end >= 0 else max(at, len(raw))
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise _refused(f"{field}.length", "must be a whole number of bytes")
    end = at + length
    if end > max(at, len(raw)):
        raise _refused(f"{field}.length", "is more than what follows", f"{len(raw) - at} bytes")
    if raw[end : end + 1] not in {b"\n", b""}:
        raise _refused(f"{field}.length", "does not end at a line's end")
    return end


def _decode(decoder: "msgspec.json.Decoder[Form]", line: bytes, field: str) -> Form:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refused(field, "is no JSON object") from error


def _refused(field: str, problem: str, limit: str = "") -> Refused:
    return Refused(400, "This is no envelope.", (Cause(field, problem, limit),))
