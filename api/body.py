"""Reads a request's body within its limits: counted while it is read and while it is inflated.

What is small, nearly everything, is read at once. Before more than SMALL_BYTES of it are held, its
reader is asked for room: large bodies are few at a time, so that 64 threads cannot fill the memory.
"""

import io
import zlib
from collections.abc import Callable
from typing import IO, NamedTuple

import brotli
import zstandard

from equerry.errors import Cause, Refused

KIB = 1024
MIB = 1024 * KIB


class Limits(NamedTuple):
    """How large a body may be: compressed, and as it is or inflated."""

    compressed_bytes: int
    raw_bytes: int


NATIVE = Limits(64 * KIB, 256 * KIB)
# As much compressed as it may be raw: an attachment that does not shrink must not cost its error.
ENVELOPE = Limits(10 * MIB, 10 * MIB)
SMALL_BYTES = NATIVE.raw_bytes
# A zstd frame may ask for a window of gigabytes; RFC 8878 has every decoder support 8 MiB.
ZSTD_WINDOW_BYTES = 8 * MIB
# Each costs a copy of what follows it: a megabyte of empty ones would keep a core busy for seconds.
GZIP_MEMBERS = 64


def read(
    stream: IO[bytes],
    length: int | None,
    encoding: str,
    limits: Limits = NATIVE,
    ask_for_room: Callable[[], object] = lambda: None,
) -> bytes:
    """Return the inflated body.

    length: the Content-Length, None for a chunked body. encoding: the Content-Encoding.
    ask_for_room is called at most once, before more than SMALL_BYTES are held; what it raises, ends
    the reading. Raises Refused: 413 beyond a limit, 415 for an unknown encoding, 400 for a broken
    one.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _read(stream, length, limits.raw_bytes, ask_for_room)
    inflate = _INFLATE.get(name)
    if inflate is None:
        raise Refused(
            415,
            f"Content-Encoding {name[:40]!r} is not known",
            (Cause("Content-Encoding", "is not known", ", ".join(_INFLATE)),),
        )
    asked = [ask_for_room]

    def ask_once() -> None:
        while asked:
            asked.pop()()

    packed = _read(stream, length, limits.compressed_bytes, ask_once)
    try:
        raw = inflate(packed, SMALL_BYTES + 1)
        if len(raw) > SMALL_BYTES < limits.raw_bytes:
            ask_once()
            raw = inflate(packed, limits.raw_bytes + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise Refused(
            400, f"the body is not {name}", (Cause("body", f"is not whole, valid {name}"),)
        ) from error
    if len(raw) > limits.raw_bytes:
        raise _too_large("inflates to more than the limit", limits.raw_bytes)
    return raw


def _too_large(problem: str, limit: int) -> Refused:
    return Refused(413, f"the body {problem}", (Cause("body", problem, f"{limit} bytes"),))


def _read(
    stream: IO[bytes], length: int | None, limit: int, ask_for_room: Callable[[], object]
) -> bytes:
    if length is not None and length > limit:
        raise _too_large(f"is {length} bytes", limit)
    wanted = limit + 1 if length is None else length
    body = _take(stream, min(wanted, SMALL_BYTES + 1))
    if len(body) > SMALL_BYTES < limit:
        ask_for_room()
        body += _take(stream, wanted - len(body))
    if len(body) > limit:
        raise _too_large("is larger than the limit", limit)
    return body


def _take(stream: IO[bytes], wanted: int) -> bytes:
    parts: list[bytes] = []
    while wanted > 0 and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _gzip(packed: bytes, limit: int) -> bytes:
    """Inflate every member; each may only fill what is left of the limit."""
    out = b""
    for _ in range(GZIP_MEMBERS):
        if not packed or len(out) >= limit:
            return out
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(packed, limit - len(out))
        if not member.eof and len(out) < limit:
            raise EOFError
        packed = member.unused_data
    raise EOFError


def _deflate(packed: bytes, limit: int) -> bytes:
    """Zlib's frame as the standard has it, or bare deflate as many send it."""
    try:
        return _one(zlib.decompressobj(), packed, limit)
    except zlib.error:
        return _one(zlib.decompressobj(wbits=-15), packed, limit)


def _one(inflater: "zlib._Decompress", packed: bytes, limit: int) -> bytes:
    out = inflater.decompress(packed, limit)
    if not inflater.eof and len(out) < limit:
        raise EOFError
    return out


def _brotli(packed: bytes, limit: int) -> bytes:
    inflater = brotli.Decompressor()
    out: bytes = inflater.process(packed, output_buffer_limit=limit)
    while len(out) < limit and not inflater.is_finished():
        more = inflater.process(b"", output_buffer_limit=limit - len(out))
        if not more:
            raise EOFError
        out += more
    return out


def _zstd(packed: bytes, limit: int) -> bytes:
    inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES)
    with inflater.stream_reader(io.BytesIO(packed), read_across_frames=True) as reader:
        out = b""
        while len(out) < limit and (part := reader.read(limit - len(out))):
            out += part
    return out  # a torn frame ends early: what is left of its JSON does not parse


_INFLATE: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
