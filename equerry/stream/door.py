"""The door's side of the stream: one script takes a whole request, or refuses it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError, RedisError

from equerry import keys
from equerry.errors import RedisAway
from equerry.events.event import ERRORS
from equerry.redis_client import Redis
from equerry.settings import Project, Queue
from equerry.stream.entry import Entry
from equerry.stream.held_connection import HeldConnections


class Rates(NamedTuple):
    """Events a second, averaged, for the two buckets; 0 is no limit. burst_seconds is for both.

    quotas: whether the project's quotas hold too. What was accepted onto the disk is past them.
    """

    address: float
    key: float
    burst_seconds: float
    quotas: bool = True


UNLIMITED = Rates(0.0, 0.0, 0.0, quotas=False)


class Quotas(NamedTuple):
    """Events that a project may send in a minute, an hour and a day of UTC; 0 is no quota."""

    minute: int = 0
    hour: int = 0
    day: int = 0


def quotas(projects: Iterable[Project]) -> dict[str, Quotas]:
    """Return each project's quotas by its scope."""
    return {
        keys.scope(each.id): Quotas(each.quota_per_minute, each.quota_per_hour, each.quota_per_day)
        for each in projects
    }


_NO_QUOTAS = Quotas()


class Verdict(NamedTuple):
    """What the script decided.

    reason: `ok`, `rate-address`, `rate-key`, `quota-minute`, `quota-hour`, `quota-day` or
    `queue-full`.
    """

    reason: str
    retry_after_seconds: int
    appended: int
    repeated: int

    @property
    def ok(self) -> bool:
        """Whether the events are in the stream (or were there already)."""
        return self.reason == "ok"


def rated_as(entries: Sequence[Entry]) -> str:
    """Return the kind on whose rate a request counts, so that no flood of logs silences errors."""
    return next((entry.kind for entry in entries if entry.kind == ERRORS), entries[0].kind)


class Door:
    """Appends to the projects' streams; needs no right but to run its script on their keys."""

    def __init__(
        self,
        redis: Redis,
        queue: Queue,
        quotas: Mapping[str, Quotas] = MappingProxyType({}),
    ) -> None:
        self._redis = HeldConnections(redis)
        self._queue = queue
        self._quotas = quotas
        self._script = files("equerry.stream").joinpath("door.lua").read_bytes()
        self._sha = hashlib.sha1(self._script, usedforsecurity=False).hexdigest()

    def append(self, scope: str, entries: Sequence[Entry], rates: Rates, bucket: str) -> Verdict:
        """Append all entries, or none. bucket: whose rate it is (an address).

        Raises RedisAway; the entries may be in the stream all the same, which is why a second
        append of the same ids appends nothing.
        """
        kind = rated_as(entries)
        names = (
            keys.events(scope),
            keys.events_bytes(scope),
            keys.ids(scope, "new"),
            keys.ids(scope, "old"),
            keys.ids_since(scope),
            keys.rate(scope, f"address:{kind}:{bucket}"),
            keys.rate(scope, f"key:{kind}"),
            keys.refusals(scope),
            *(keys.quota(scope, window) for window in Quotas._fields),
            keys.quotas_used_up(scope),
        )
        limits = (self._queue.max_events, self._queue.max_bytes, self._queue.ids_remembered)
        arguments: list[bytes | str | int | float] = [*limits, rates.burst_seconds]
        arguments += [rates.address, rates.key]
        arguments += self._quotas.get(scope, _NO_QUOTAS) if rates.quotas else _NO_QUOTAS
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
