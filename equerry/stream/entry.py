"""An event as it lies in the stream."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from equerry import keys
from equerry.redis_client import Pipeline, Redis


class Entry(NamedTuple):
    """One stream entry. deliveries: how often it was handed to a consumer before this time."""

    stream_id: bytes
    kind: str
    id: str
    received_ms: int
    data: bytes
    deliveries: int = 0


def from_fields(stream_id: bytes, fields: Mapping[bytes, bytes], deliveries: int = 0) -> Entry:
    """Build an entry from the fields of XREADGROUP, XCLAIM or XRANGE."""
    return Entry(
        stream_id,
        fields[b"k"].decode(),
        fields[b"i"].hex(),
        int(fields[b"r"]),
        fields[b"d"],
        deliveries,
    )


def from_flat(stream_id: bytes, fields: Sequence[bytes]) -> Entry:
    """Build an entry from the names and values as they come; who appends writes them in order."""
    _, kind, _, id_, _, received_ms, _, data = fields
    return Entry(stream_id, kind.decode(), id_.hex(), int(received_ms), data)


def append(pipe: Pipeline | Redis, scope: str, kind: str, id: str, at_ms: int, data: bytes) -> None:  # noqa: A002
    """Queue an own record (an alert's transition, a job's run) for the archive.

    It takes the same way as every event, so it is written there exactly once. id: 32 hex.
    """
    fields = {"k": kind, "i": bytes.fromhex(id), "r": at_ms, "d": data}
    pipe.xadd(keys.events(scope), fields)
    pipe.incrby(keys.events_bytes(scope), len(data))
