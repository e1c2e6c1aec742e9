"""Whether a document is well-formed BSON, to its last level. Source: bsonspec.org, version 1.1."""

import struct

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError

_OPTIONS: CodecOptions[dict[str, object]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_MS
)
_INT32 = struct.Struct("<i")
_SIZES = {
    0x01: 8,  # double
    0x06: 0,  # undefined
    0x07: 12,  # ObjectId
    0x08: 1,  # boolean
    0x09: 8,  # date
    0x0A: 0,  # null
    0x10: 4,  # int32
    0x11: 8,  # timestamp
    0x12: 8,  # int64
    0x13: 16,  # decimal128
    0x7F: 0,  # MaxKey
    0xFF: 0,  # MinKey
}
_TEXTS = frozenset({0x02, 0x0D, 0x0E})  # string, code, symbol
_DOCUMENTS = frozenset({0x03, 0x04})  # document, array
_BINARY, _REGEX, _POINTER, _SCOPED_CODE = 0x05, 0x0B, 0x0C, 0x0F
_OBJECT_ID_BYTES = 12


def fault(document: bytes) -> str:
    """Return what is wrong with a document; empty where nothing is.

    pymongo's decoder reads 1 GB in some seconds, but refuses what servers do hold: text that is no
    UTF-8, references with odd fields. What it refuses is walked, byte by byte.
    """
    try:
        bson.decode(document, codec_options=_OPTIONS)
    except (BSONError, ValueError, TypeError, OverflowError, RecursionError):
        return _walked(document)
    return ""


def _walked(document: bytes) -> str:
    at = [0]
    try:
        _walk(document, at)
    except (IndexError, ValueError, struct.error) as error:
        return f"its element at byte {at[0]:,} is damaged: {error}"
    return ""


def _walk(document: bytes, place: list[int]) -> None:
    """Go through all elements; place[0] is where the last one began.

    Nesting costs a number each on a list, so no depth can exhaust the stack.
    """
    ends = [_int32(document, 0)]
    if ends[0] != len(document):
        raise ValueError("the document's length is another than it says")
    at = 4
    while ends:
        place[0] = at
        kind = document[at]
        at += 1
        if not kind:
            if at != ends.pop():
                raise ValueError("a document does not end where it says")
            continue
        at = document.index(0, at, ends[-1]) + 1
        at, opened = _value(document, kind, at)
        if at >= ends[-1] or opened > ends[-1] - 1:
            raise ValueError("it does not end before its document does")
        if opened:
            ends.append(opened)


def _value(document: bytes, kind: int, at: int) -> tuple[int, int]:  # noqa: PLR0911 - a row each
    """Return where to go on, and where a document that begins there ends; 0: none begins."""
    if kind in _SIZES:
        return at + _SIZES[kind], 0
    if kind in _TEXTS:
        return _text(document, at), 0
    if kind in _DOCUMENTS:
        return at + 4, _opened(document, at)
    if kind == _BINARY:
        return at + 5 + _length(document, at, 0), 0
    if kind == _REGEX:
        return document.index(0, document.index(0, at) + 1) + 1, 0
    if kind == _POINTER:
        return _text(document, at) + _OBJECT_ID_BYTES, 0
    if kind == _SCOPED_CODE:
        scope = _text(document, at + 4)
        if _opened(document, scope) != at + _length(document, at, 14):
            raise ValueError("its scope does not end where it does")
        return scope + 4, _opened(document, scope)
    raise ValueError(f"there is no type 0x{kind:02x}")


def _opened(document: bytes, at: int) -> int:
    return at + _length(document, at, 5)


def _text(document: bytes, at: int) -> int:
    """Return where a text ends that begins with its length."""
    end = at + 4 + _length(document, at, 1)
    if document[end - 1]:
        raise ValueError("a text does not end where it says")
    return end


def _length(document: bytes, at: int, least: int) -> int:
    length = _int32(document, at)
    if not least <= length <= len(document):
        raise ValueError(f"a length of {length:,}")
    return length


def _int32(document: bytes, at: int) -> int:
    value: int = _INT32.unpack_from(document, at)[0]
    return value
