"""The door's side of the stream: one script takes a whole request, or refuses it."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from equerry import keys
from equerry.errors import RedisAway
from equerry.redis_client import Redis
from equerry.settings import Queue
from equerry.stream.entry import Entry
from equerry.stream.held_connection import HeldConnections


class Rates(NamedTuple):
    """Events a second, averaged, for the two buckets; 0 is no limit. burst_seconds is for both."""

    address: float
    key: float
    burst_seconds: float


UNLIMITED = Rates(0.0, 0.0, 0.0)


class Verdict(NamedTuple):
    """What the script decided.

    reason: `ok`, `rate-address`, `rate-key` or `queue-full`.
    """

    reason: str
    retry_after_seconds: int
    appended: int
    repeated: int

    @property
    def ok(self) -> bool:
        """Whether the events are in the stream (or were there already)."""
        return self.reason == "ok"


class Door:
    """Appends to the projects' streams; needs no right but to run its script on their keys."""

    def __init__(self, redis: Redis, queue: Queue) -> None:
        self._redis = HeldConnections(redis)
        self._queue = queue
        self._script = files("equerry.stream").joinpath("door.lua").read_bytes()
        self._sha = hashlib.sha1(self._script, usedforsecurity=False).hexdigest()

    def append(self, scope: str, entries: Sequence[Entry], rates: Rates, bucket: str) -> Verdict:
        """Append all entries, or none. bucket: whose rate it is (an address).

        Raises RedisAway; the entries may be in the stream all the same, which is why a second
        append of the same ids appends nothing.
        """
        names = (
            keys.events(scope),
            keys.events_bytes(scope),
            keys.ids(scope, "new"),
            keys.ids(scope, "old"),
            keys.ids_since(scope),
            keys.rate(scope, f"address:{bucket}"),
            keys.rate(scope, "key"),
            keys.refusals(scope),
        )
        limits = (self._queue.max_events, self._queue.max_bytes, self._queue.ids_remembered)
        arguments: list[bytes | str | int | float] = [*limits, rates.burst_seconds]
        arguments += [rates.address, rates.key]
        for entry in entries:
            arguments += [entry.kind, bytes.fromhex(entry.id), entry.received_ms, entry.data]
        try:
            reply = self._run(len(names), *names, *arguments)
        except (RedisError, OSError) as error:
            raise RedisAway(str(error)) from error
        return Verdict(reply[0].decode(), *reply[1:])

    def count(self, scope: str, reasons: Mapping[str, int]) -> None:
        """Count what came and was not taken, beside the script's own refusals. Raises RedisAway."""
        try:
            for reason, number in reasons.items():
                self._redis.ask("HINCRBY", keys.refusals(scope), reason, number)
        except (RedisError, OSError) as error:
            raise RedisAway(str(error)) from error

    def _run(self, *arguments: bytes | str | float) -> list[Any]:
        try:
            reply: list[Any] = self._redis.ask("EVALSHA", self._sha, *arguments)
        except NoScriptError:  # a restarted server forgets its scripts
            reply = self._redis.ask("EVAL", self._script, *arguments)
        return reply
