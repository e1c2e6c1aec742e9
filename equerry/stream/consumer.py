"""The workers' side of the stream: read, and take over what a dead consumer left.

A consumer is a slot on a node: `<node>-<slot>`. The slot's lock says whether its process lives; a
consumer of another node is taken for dead when it was idle for OTHER_NODE_IDLE_MS.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from redis.exceptions import ResponseError

from equerry import keys
from equerry.redis_client import Redis
from equerry.slots import Slots
from equerry.stream.entry import Entry, from_fields, from_flat
from equerry.stream.held_connection import HeldConnections

GROUP = "drain"
MAX_EVENTS = 500
MAX_BYTES = 8 * 1024 * 1024
OTHER_NODE_IDLE_MS = 60_000


class Left(NamedTuple):
    """An entry that was handed to a consumer and neither committed nor given up."""

    stream_id: bytes
    deliveries: int


class Consumer:
    """One process's place among the consumers of every stream.

    For one thread, but `give_back`, which the one that commits asks for too.
    """

    def __init__(self, redis: Redis, slots: Slots, node: str) -> None:
        self._redis = redis
        self._held = HeldConnections(redis)
        self._slots = slots
        self._node = node
        self._fences: dict[str, bytes | None] = {}
        self.name = f"{node}-{slots.take()}"

    def read(self, scope: str) -> list[Entry]:
        """Return the next new entries, at most MAX_EVENTS and about MAX_BYTES of them."""
        stream = keys.events(scope)
        arguments = ("XREADGROUP", "GROUP", GROUP, self.name, "COUNT", self._room(scope))
        try:
            reply: Any = self._held.ask(*arguments, "STREAMS", stream, ">")
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group(stream)
            return self.read(scope)
        if not reply:
            return []
        return [from_flat(stream_id, fields) for stream_id, fields in reply[0][1]]

    def _room(self, scope: str) -> int:
        """How many entries make about MAX_BYTES, by the mean size of what waits."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.xlen(keys.events(scope))
        pipe.get(keys.events_bytes(scope))
        pipe.get(keys.fence(scope, self.name))
        length, size, self._fences[scope] = pipe.execute()
        mean = int(size or 0) / max(1, length)
        return max(1, min(MAX_EVENTS, int(MAX_BYTES / max(1.0, mean))))

    def _make_group(self, stream: str) -> None:
        try:
            self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def owners(self, scope: str) -> list[str]:
        """Return the consumers that hold entries, this one among them."""
        try:
            summary = self._redis.xpending(keys.events(scope), GROUP)
        except ResponseError as error:
            if str(error).startswith("NOGROUP"):
                return []
            raise
        return [consumer["name"].decode() for consumer in summary["consumers"]]

    @contextmanager
    def abandoned(self, owner: str) -> Iterator[bool]:
        """Whether the owner's entries may be taken over; true for this consumer's own.

        While the block runs no new process can take the owner's slot.
        """
        node, _, number = owner.rpartition("-")
        if owner == self.name or node != self._node:
            yield True
            return
        with self._slots.borrow(int(number)) as free:
            yield free

    def standing(self, scope: str) -> bytes | None:
        """Return this consumer's fence as it stood when it last read: a commit must find it so."""
        if scope not in self._fences:  # nothing read yet: what it has, it took over just now
            self._fences[scope] = self._redis.get(keys.fence(scope, self.name))
        return self._fences[scope]

    def fence(self, scope: str, owner: str) -> None:
        """Let no commit of what the owner has read until now take effect any more."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.incr(keys.fence(scope, owner))
        pipe.get(keys.fence(scope, owner))
        _, stands = pipe.execute()
        if owner == self.name:
            self._fences[scope] = stands

    def left(self, scope: str, owner: str) -> list[Left]:
        """Return up to MAX_EVENTS of what the owner left, oldest first."""
        node = owner.rpartition("-")[0]
        idle_ms = 0 if node == self._node else OTHER_NODE_IDLE_MS
        rows = self._redis.xpending_range(
            keys.events(scope), GROUP, "-", "+", MAX_EVENTS, consumername=owner, idle=idle_ms
        )
        return [Left(row["message_id"], row["times_delivered"]) for row in rows]

    def give_back(self, scope: str, entries: Sequence[Entry]) -> None:
        """Leave the entries as if they had not been handed out: what failed was not theirs.

        Those taken over from another count as handed out twice, for their lines may stand in the
        other's segments: the next try looks further than its own.
        """
        counts = {
            entry.stream_id: max(2, entry.deliveries) for entry in entries if entry.deliveries
        }
        pipe = self._redis.pipeline(transaction=False)
        for entry in entries:
            pipe.xclaim(
                keys.events(scope),
                GROUP,
                self.name,
                0,
                [entry.stream_id],
                retrycount=counts.get(entry.stream_id, 0),
                justid=True,
            )
        pipe.execute()

    def claim(self, scope: str, left: list[Left]) -> list[Entry]:
        """Make the entries this consumer's; each claim counts as a delivery."""
        ids = [entry.stream_id for entry in left]
        deliveries = {entry.stream_id: entry.deliveries for entry in left}
        reply: Any = self._redis.execute_command(
            "XCLAIM", keys.events(scope), GROUP, self.name, 0, *ids
        )
        return [
            from_fields(stream_id, fields, deliveries[stream_id])
            for stream_id, fields in (pair for pair in reply if pair)
        ]
