"""Documents: what is well-formed, what is not, and how they are split and summed up."""

import random
import struct
from collections.abc import Iterator

import bson
import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

from equerry.backups import bson_form, documents
from equerry.backups.documents import Broken, Content

EVERY_TYPE = {
    "double": 1.5,
    "nan": float("nan"),
    "text": "ünï\0c",
    "document": {"a": {"b": {}}},
    "array": [1, "a", [None]],
    "binary": Binary(b"\0\1", 0),
    "old binary": Binary(b"abc", 2),
    "uuid": Binary(bytes(16), 4),
    "id": ObjectId(),
    "true": True,
    "date": DatetimeMS(-(2**62)),
    "null": None,
    "regex": Regex("^a.*", "im"),
    "reference": DBRef("orders", 1),
    "code": Code("f()"),
    "scoped": Code("f()", {"x": [1, {"y": 2}]}),
    "int": 1,
    "stamp": Timestamp(1, 2),
    "long": Int64(1),
    "decimal": Decimal128("1.10"),
    "min": MinKey(),
    "max": MaxKey(),
}


def _element(kind: int, value: bytes) -> bytes:
    body = bytes([kind]) + b"a\0" + value + b"\0"
    return struct.pack("<i", 4 + len(body)) + body


ODD_BUT_GOOD = {
    "undefined": _element(0x06, b""),
    "pointer": _element(0x0C, struct.pack("<i", 2) + b"a\0" + bytes(12)),
    "symbol": _element(0x0E, struct.pack("<i", 2) + b"a\0"),
    "no UTF-8": _element(0x02, struct.pack("<i", 3) + b"\xff\xfe\0"),
    "odd reference": bson.encode({"a": {"$ref": 5, "$id": None, "$db": 1}}),
    "deep": bson.encode({"a": bson.raw_bson.RawBSONDocument(bson.encode({}))}),
}


@pytest.mark.parametrize("name", ODD_BUT_GOOD)
def test_what_servers_do_hold_is_well_formed(name: str) -> None:
    """Types that are out of use, and what pymongo refuses, are no faults of a backup."""
    assert not bson_form.fault(ODD_BUT_GOOD[name])


def test_every_type_is_well_formed() -> None:
    """A document with all types passes, in both ways of looking."""
    document = bson.encode(EVERY_TYPE)
    assert not bson_form.fault(document)
    assert not bson_form._walked(document)


def test_depth_exhausts_no_stack() -> None:
    """A document of 100,000 levels is walked to its end."""
    document = b"\x05\0\0\0\0"
    levels = 100_000
    head = [struct.pack("<i", 5 + 7 * level) + b"\x03\0" for level in range(levels, 0, -1)]
    # Each level: length, type, empty name … its end.
    deep = b"".join(head) + document + b"\0" * levels
    lengths = len(deep)
    rebuilt = bytearray(deep)
    for level in range(levels):
        struct.pack_into("<i", rebuilt, level * 6, lengths - level * 7)
    assert not bson_form.fault(bytes(rebuilt))
    rebuilt[-1] = 1
    assert bson_form.fault(bytes(rebuilt))


def test_damage_to_lengths_and_types_is_found() -> None:
    """Whatever byte of the structure is damaged, neither way of looking reads beyond the end."""
    document = bson.encode(EVERY_TYPE)
    chance = random.Random(5)
    refused = 0
    for _ in range(2_000):
        changed = bytearray(document)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        refused += bool(bson_form.fault(bytes(changed)))
    assert refused > 500


@pytest.mark.parametrize(
    "document",
    [
        _element(0x55, b""),
        _element(0x02, struct.pack("<i", 0)),
        _element(0x02, struct.pack("<i", -1)),
        _element(0x02, struct.pack("<i", 99) + b"a\0"),
        _element(0x02, struct.pack("<i", 2) + b"ab"),
        _element(0x03, struct.pack("<i", 4) + b"\0"),
        _element(0x03, struct.pack("<i", 6) + b"\0"),
        _element(0x05, struct.pack("<i", -5) + b"\0"),
        _element(0x07, b"short"),
        _element(0x0B, b"no end"),
        _element(0x0F, struct.pack("<i", 14) + struct.pack("<i", 1) + b"\0" + b"\x06\0\0\0\0\0"),
        b"\x06\0\0\0\0\0",
    ],
)
def test_malformed_documents_are_found(document: bytes) -> None:
    """Each kind of element has a way to be wrong, and it is named."""
    assert bson_form.fault(document)


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
def test_splits_wherever_pieces_end(size: int) -> None:
    """Documents come whole, in order, however the file was cut into pieces."""
    whole = [bson.encode({"_id": number, "text": "x" * number}) for number in range(60)]
    batches = list(documents.split(_pieces(b"".join(whole), size)))
    assert [each for batch in batches for each in documents.each(batch)] == whole


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_cut_document_is_told(cut: int) -> None:
    """A file that ends inside a document is broken."""
    data = bson.encode({"a": "b" * 20}) * 2
    with pytest.raises(Broken):
        list(documents.split(_pieces(data[:-cut], 16)))


@pytest.mark.parametrize("length", [-1, 0, 4, 2**31 - 1])
def test_an_impossible_length_is_told(length: int) -> None:
    """A length that no document has is not waited for."""
    with pytest.raises(Broken):
        list(documents.split(iter([struct.pack("<i", length) + b"x" * 100])))


def test_the_sum_does_not_depend_on_the_order() -> None:
    """Collections of the same documents have one hash; a change, a loss or a double another."""
    whole = [bson.encode({"_id": number}) for number in range(50)]

    def hashed(rows: list[bytes]) -> str:
        content = Content()
        content.add(b"".join(rows))
        return content.hash

    assert hashed(whole) == hashed(whole[::-1])
    others = [whole[1:], [*whole, whole[0]], [bson.encode({"_id": -1}), *whole[1:]]]
    assert len({hashed(rows) for rows in [whole, *others]}) == 4
