"""Documents as they lie in a `.bson` file, one behind the other: counted, measured, summed up."""

import hashlib
import struct

from equerry.errors import BackupError

# The server stores at most this (BSONObjMaxInternalSize); a longer length is a damaged one.
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024 + 16 * 1024
MIN_DOCUMENT_BYTES = 5
_LENGTH = struct.Struct("<i")
_MODULUS = 1 << 256
_HEX_DIGITS = 64


def length(data: bytes | bytearray | memoryview, at: int) -> int:
    """Return the length that the document at this byte says it has; 4 bytes must be there.

    Raises BackupError for one that no document has.
    """
    size: int = _LENGTH.unpack_from(data, at)[0]
    if not MIN_DOCUMENT_BYTES <= size <= MAX_DOCUMENT_BYTES:
        raise BackupError(f"a document says that it has {size:,} bytes")
    return size


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
        """Take whole documents. Raises BackupError where they do not end with the batch."""
        sha256, number, view = hashlib.sha256, int.from_bytes, memoryview(batch)
        at, end, count, total = 0, len(batch), 0, 0
        while at < end:
            after = at + length(batch, at) if end - at >= _LENGTH.size else end + 1
            if after > end or batch[after - 1]:
                raise BackupError("a document does not end where it says")
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
