"""The door's last step: into Redis, or onto the disk while Redis is away; never a false yes."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from equerry.errors import RedisAway, Refused, SpoolFull
from equerry.stream.door import UNLIMITED, Door, Rates, rated_as
from equerry.stream.entry import Entry
from equerry.stream.spool import Spool, Spooled

log = logging.getLogger(__name__)

# After a failure the next requests go to the spool at once: one slow time-out, not one each.
AWAY_SECONDS = 1.0
# A full spool is first 429, which every SDK backs off for (a bare 503 many send again at once), and
# 503 once that has not helped: then a monitor should see an outage.
FULL_429_SECONDS = 60.0
RETRY_SECONDS = 30
REPLAY_SECONDS = 0.5


# What is refused for one kind of events only.
RATES = frozenset({"rate-address", "rate-key"})


class Busy(Exception):
    """The stream has no room for spooled events now."""


class Acceptor:
    """One process's way to the stream. Safe among its threads."""

    def __init__(self, door: Door, spool: Spool, now: Callable[[], float] = time.monotonic) -> None:
        self._door = door
        self.spool = spool
        self._now = now
        self._away_until = 0.0
        self._is_away = False
        self._full_since: float | None = None

    def accept(self, scope: str, entries: Sequence[Entry], rates: Rates, bucket: str) -> None:
        """Return once the events are kept. Raises Refused: 429 or 503, and then none is kept."""
        if self._now() < self._away_until:
            self._keep_on_disk(scope, entries)
            return
        try:
            verdict = self._door.append(scope, entries, rates, bucket)
        except RedisAway as error:
            self._away_until = self._now() + AWAY_SECONDS
            if not self._is_away:
                self._is_away = True
                log.warning("redis-away-spooling", extra={"error": str(error)})
            self._keep_on_disk(scope, entries)
            return
        if self._is_away:
            self._is_away = False
            self._full_since = None  # the next outage begins with 429 again
            log.info("redis-is-back")
        if not verdict.ok:
            raise Refused(
                429,
                _REFUSALS[verdict.reason],
                retry_after_seconds=verdict.retry_after_seconds,
                reason=verdict.reason,
                kind=rated_as(entries) if verdict.reason in RATES else "",
            )

    def count_skipped(self, scope: str, skipped: Mapping[str, int]) -> None:
        """Count what nobody reads, by kind; what comes while Redis is away is not counted."""
        if self._now() < self._away_until:
            return
        with contextlib.suppress(RedisAway):
            self._door.count(scope, {f"skipped-{kind}": size for kind, size in skipped.items()})

    def _keep_on_disk(self, scope: str, entries: Sequence[Entry]) -> None:
        try:
            self.spool.append([Spooled(scope, entry) for entry in entries])
            self._full_since = None
        except SpoolFull as error:
            now = self._now()
            if self._full_since is None:
                self._full_since = now
                log.exception("spool-full")
            raise Refused(
                429 if now - self._full_since < FULL_429_SECONDS else 503,
                "the queue is away and the spool is full; try again later",
                retry_after_seconds=RETRY_SECONDS,
                reason="spool-full",
            ) from error

    def replay(self) -> int:
        """Send what the spool holds. Returns how much; raises RedisAway or Busy to try later."""
        return self.spool.replay(self._send)

    def _send(self, scope: str, entries: Sequence[Entry]) -> None:
        verdict = self._door.append(scope, entries, UNLIMITED, "")
        if not verdict.ok:
            raise Busy(verdict.reason)


_REFUSALS = {
    "rate-address": "too many events from your address; wait as Retry-After says",
    "rate-key": "too many events with this key; wait as Retry-After says",
    "quota-minute": "this project's quota for the minute is used up; wait as Retry-After says",
    "quota-hour": "this project's quota for the hour is used up; wait as Retry-After says",
    "quota-day": "this project's quota for the day is used up; wait as Retry-After says",
    "queue-full": "the queue is full; wait as Retry-After says",
}


class Replayer(threading.Thread):
    """Empties the spool whenever Redis answers."""

    def __init__(self, acceptor: Acceptor) -> None:
        super().__init__(name="replayer", daemon=True)
        self._acceptor = acceptor

    def run(self) -> None:
        """Try for as long as the process lives; nothing that goes wrong here ends it."""
        while True:
            try:
                sent = self._acceptor.replay()
                if sent:
                    log.info("spool-replayed", extra={"events": sent})
            except (RedisAway, Busy) as error:
                log.debug("spool-waits", extra={"error": str(error)})
            except Exception:
                log.exception("spool-replay-failed")
            time.sleep(REPLAY_SECONDS)
