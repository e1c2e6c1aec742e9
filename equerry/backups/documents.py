"""Documents as they lie in a `.bson` file, one behind the other: counted, measured, summed up."""

import hashlib
import struct
from collections.abc import Iterator

from equerry.errors import BackupError

# The server stores at most this (BSONObjMaxInternalSize); a longer length is a damaged one.
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024
MIN_DOCUMENT_BYTES = 5
_LENGTH = struct.Struct("<i")
_MODULUS = 1 << 256
_HEX_DIGITS = 64


class Broken(BackupError):
    """A file of documents that is damaged or cut; says how."""


def length(data: bytes | bytearray | memoryview, at: int) -> int:
    """Return the length that the document at this byte says it has; 4 bytes must be there.

    Raises Broken for one that no document has.
    """
    size: int = _LENGTH.unpack_from(data, at)[0]
    if not MIN_DOCUMENT_BYTES <= size <= MAX_DOCUMENT_BYTES:
        raise Broken(f"a document says that it has {size:,} bytes")
    return size


def split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield whole documents, many at once, from pieces that end anywhere.

    Raises Broken for a length that no document has, and where the last document is cut; errors of
    the pieces pass.
    """
    held = b""
    for piece in pieces:
        held += piece
        end = _whole(held)
        if end:
            yield held[:end]
            held = held[end:]
    if held:
        raise Broken(f"it is cut: {len(held):,} bytes are the beginning of another document")


def each(batch: bytes) -> Iterator[bytes]:
    """Yield the documents of a batch of whole ones."""
    at = 0
    while at < len(batch):
        after = at + length(batch, at)
        yield batch[at:after]
        at = after


def _whole(held: bytes) -> int:
    """Return where the last whole document ends."""
    end = 0
    while len(held) - end >= _LENGTH.size:
        after = end + length(held, end)
        if after > len(held):
            break
        end = after
    return end


class Content:
    """Counts documents and sums up their SHA-256, modulo 2^256.

    The sum is the same in whatever order the documents come: that of a collection that was restored
    can be held against that of its backup. It tells of faults, not of an attacker: what the sum
    stands in is signed.
    """

    def __init__(self) -> None:
        self.documents = 0
        self.bytes = 0
        self._sum = 0

    def add(self, batch: bytes) -> None:
        """Take whole documents. Raises Broken where they do not end with the batch."""
        sha256, number, view = hashlib.sha256, int.from_bytes, memoryview(batch)
        at, end, count, total = 0, len(batch), 0, 0
        while at < end:
            after = at + length(batch, at) if end - at >= _LENGTH.size else end + 1
            if after > end or batch[after - 1]:
                raise Broken("a document does not end where it says")
            total += number(sha256(view[at:after]).digest(), "little")
            at = after
            count += 1
        self._sum = (self._sum + total) % _MODULUS
        self.documents += count
        self.bytes += end

    @property
    def hash(self) -> str:
        """The sum so far, 64 hexadecimal digits."""
        return f"{self._sum:0{_HEX_DIGITS}x}"
