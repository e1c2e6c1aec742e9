"""What a batch adds beside issues, built anew from the archive and put in the old's place.

Limits: releases, monitors and drops then speak of what the archive holds; who visited longer ago
than the index keeps people is only in the totals.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from equerry import keys
from equerry.events.event import Event
from equerry.health import client_drops, monitor_store, monitors, release_store, signals
from equerry.health.monitors import MOST_MONITORS, Monitor
from equerry.redis_client import Redis


class Rebuild:
    """Takes a project's events batch by batch, the oldest first, and then replaces what there is.

    Until then all stands under names of its own: a kill costs nothing, and the next rebuild throws
    it away.
    """

    def __init__(self, redis: Redis, scope: str) -> None:
        self._redis = redis
        self._scope = scope
        self._staged = keys.staged(scope)
        self._monitors: dict[str, Monitor] = {}
        self._dropped: Counter[tuple[str, str]] = Counter()
        for key in self._keys(self._staged):
            redis.unlink(key)

    def add(self, events: Sequence[Event]) -> None:
        """Add a batch."""
        said = signals.of(events)
        release_store.write(self._redis, self._staged, said.visits)
        self._dropped += said.dropped
        room = MOST_MONITORS - len(self._monitors)
        self._monitors |= monitors.update(said.check_ins, self._monitors, room, "").monitors

    def replace(self) -> None:
        """Put it in the place of what there is, in one transaction."""
        live, staged = self._scope.encode(), self._staged.encode()
        gone, built = list(self._keys(self._scope)), list(self._keys(self._staged))
        pipe = self._redis.pipeline(transaction=True)
        for key in gone:
            pipe.unlink(key)
        for key in built:
            pipe.rename(key, key.replace(staged, live, 1))
        pipe.unlink(keys.monitors(self._scope), keys.client_drops(self._scope))
        monitor_store.write(pipe, self._scope, self._monitors)
        client_drops.write(pipe, self._scope, self._dropped)
        pipe.execute()

    def _keys(self, place: str) -> Iterator[bytes]:
        """Yield what there is of releases. place: the scope, or what stands for it."""
        for pattern in (
            keys.recent_releases(place),
            keys.release(place, "*"),
            keys.release_hour(place, "*"),
            keys.release_people(place, "*"),
        ):
            yield from self._redis.scan_iter(pattern, count=1000)
