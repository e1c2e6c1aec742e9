"""Reads a request's body within its limits: counted while it is read and while it is inflated."""

import io
import zlib
from collections.abc import Callable
from typing import IO

import brotli
import zstandard

from equerry.errors import Cause, Refused

MAX_COMPRESSED_BYTES = 64 * 1024
MAX_RAW_BYTES = 256 * 1024
# A zstd frame may ask for a window of gigabytes; RFC 8878 has every decoder support 8 MiB.
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


def read(stream: IO[bytes], length: int | None, encoding: str) -> bytes:
    """Return the inflated body.

    length: the Content-Length, None for a chunked body. encoding: the Content-Encoding.
    Raises Refused: 413 beyond a limit, 415 for an unknown encoding, 400 for a broken one.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _read(stream, length, MAX_RAW_BYTES)
    inflate = _INFLATE.get(name)
    if inflate is None:
        raise Refused(
            415,
            f"Content-Encoding {name[:40]!r} is not known",
            (Cause("Content-Encoding", "is not known", ", ".join(_INFLATE)),),
        )
    packed = _read(stream, length, MAX_COMPRESSED_BYTES)
    try:
        raw = inflate(packed, MAX_RAW_BYTES + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise Refused(
            400, f"the body is not {name}", (Cause("body", f"is not whole, valid {name}"),)
        ) from error
    if len(raw) > MAX_RAW_BYTES:
        raise _too_large("inflates to more than the limit", MAX_RAW_BYTES)
    return raw


def _too_large(problem: str, limit: int) -> Refused:
    return Refused(413, f"the body {problem}", (Cause("body", problem, f"{limit} bytes"),))


def _read(stream: IO[bytes], length: int | None, limit: int) -> bytes:
    if length is not None and length > limit:
        raise _too_large(f"is {length} bytes", limit)
    wanted = limit + 1 if length is None else length
    parts: list[bytes] = []
    while wanted > 0 and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    body = b"".join(parts)
    if len(body) > limit:
        raise _too_large("is larger than the limit", limit)
    return body


def _gzip(packed: bytes, limit: int) -> bytes:
    """Inflate every member; each may only fill what is left of the limit."""
    out = b""
    while packed and len(out) < limit:
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(packed, limit - len(out))
        if not member.eof and len(out) < limit:
            raise EOFError
        packed = member.unused_data
    return out


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
