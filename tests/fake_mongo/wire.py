"""The wire protocol as far as drivers speak it: OP_MSG, and OP_QUERY for the first hello."""

import struct
from collections.abc import Iterator, Mapping
from socket import socket
from typing import Any, NamedTuple

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MAX_MESSAGE_BYTES = 48_000_000
MORE_TO_COME = 1 << 1  # the client wants no reply
# Decodes whatever may stand in a document; dates outside datetime's years stay milliseconds.
CODEC: CodecOptions[dict[str, Any]] = CodecOptions(
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)

_HEADER = struct.Struct("<iiii")
_REPLY = struct.Struct("<iqii")
_INT = struct.Struct("<i")


class Request(NamedTuple):
    """A command: its body, and the documents that came beside it, byte for byte, by field."""

    id: int
    opcode: int
    flags: int
    body: dict[str, Any]
    documents: dict[str, list[bytes]]

    @property
    def name(self) -> str:
        """The command: the body's first key."""
        return next(iter(self.body))


class Gone(Exception):
    """The client went away."""


def read(connection: socket) -> Request:
    """Read one message. Gone if the connection ends."""
    length, request_id, _, opcode = _HEADER.unpack(_exactly(connection, _HEADER.size))
    assert _HEADER.size < length <= MAX_MESSAGE_BYTES, length
    payload = _exactly(connection, length - _HEADER.size)
    if opcode == OP_QUERY:
        after_name = payload.index(b"\0", 4) + 1 + 8
        return Request(request_id, opcode, 0, decode(payload[after_name:]), {})
    assert opcode == OP_MSG, opcode
    (flags,) = _INT.unpack_from(payload)
    assert not flags & 1, "a checksum, which no driver here sends"
    body, documents = _sections(payload)
    return Request(request_id, opcode, flags, body, documents)


def reply(request: Request, answer: Mapping[str, Any]) -> bytes:
    """Return the message that answers a request. Raw documents in it are spliced as they are."""
    document = bson.encode(answer)
    if request.opcode == OP_QUERY:
        payload, opcode = _REPLY.pack(8, 0, 0, 1) + document, OP_REPLY
    else:
        payload, opcode = _INT.pack(0) + b"\0" + document, OP_MSG
    return _HEADER.pack(_HEADER.size + len(payload), 0, request.id, opcode) + payload


def decode(raw: bytes) -> dict[str, Any]:
    """Decode one document."""
    document: dict[str, Any] = bson.decode(raw, CODEC)
    return document


def split(raw: bytes) -> Iterator[bytes]:
    """Yield the documents that stand one after the other in `raw`."""
    position = 0
    while position < len(raw):
        (length,) = _INT.unpack_from(raw, position)
        yield raw[position : position + length]
        position += length


def _sections(payload: bytes) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
    body: dict[str, Any] = {}
    documents: dict[str, list[bytes]] = {}
    position = 4
    while position < len(payload):
        kind = payload[position]
        (length,) = _INT.unpack_from(payload, position + 1)
        section = payload[position + 1 : position + 1 + length]
        position += 1 + length
        if kind == 0:
            body = decode(section)
        else:
            end = section.index(b"\0", 4)
            documents[section[4:end].decode()] = list(split(section[end + 1 :]))
    return body, documents


def _exactly(connection: socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = connection.recv(min(size - len(parts), 1 << 20))
        except OSError as error:
            raise Gone from error
        if not part:
            raise Gone
        parts += part
    return bytes(parts)
