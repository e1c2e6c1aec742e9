"""One look at all parts for everybody who asks at the same time."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from redis.exceptions import RedisError

from equerry.health import parts
from equerry.health.part import Part
from equerry.redis_client import Redis
from equerry.settings import Settings

# Monitors and people ask every few seconds; many at once would each wait for a Redis that hangs.
FRESH_SECONDS = 1.0


class Seen(NamedTuple):
    """What was seen at that time (epoch ms), and whether Redis answered to the end."""

    at_ms: int
    parts: dict[str, Part]
    answers: bool


class Lookout:
    """Looks when the last look is too old. Safe among threads: one looks, the others wait for it.

    now: seconds, monotonic.
    """

    def __init__(
        self, redis: Redis, settings: Settings, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._seen: Seen | None = None
        self._until = 0.0

    def look(self, now_ms: int) -> Seen:
        """Return every part with since when it is so, as of now or of a moment ago."""
        with self._lock:
            if self._seen is None or self._now() >= self._until:
                self._seen = self._look(now_ms)
                self._until = self._now() + FRESH_SECONDS
            return self._seen

    def _look(self, now_ms: int) -> Seen:
        found = parts.look(self._redis, self._settings, now_ms)
        known: dict[str, tuple[str, int]] = {}
        answers = parts.answered(found)
        if answers:
            try:
                known = parts.since(self._redis)
            except (RedisError, OSError):
                answers = False
        return Seen(now_ms, parts.with_since(found, known, now_ms), answers)
