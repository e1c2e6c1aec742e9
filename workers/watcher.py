"""The doorbell: a thread in the worker that waits on the streams and enqueues a drain.

The door appends and rings nobody, so a breached web tier cannot enqueue work. A ring that is lost
(the broker's pop is not atomic) costs seconds: the sweep rings again.
"""

import logging
import threading
import time

from celery import bootsteps
from celery.worker import WorkController
from redis.exceptions import RedisError

from equerry import clock, keys, queue
from equerry.redis_client import Redis, connect
from workers import process

log = logging.getLogger(__name__)

BLOCK_MS = 2_000
RINGS_APART_SECONDS = 0.02
AWAY_SECONDS = 0.5
# A worker unheard of for this long is forgotten; health calls it dead well before.
FORGET_MS = 3600_000


class Watcher(threading.Thread):
    """Blocks on every scope's stream; says that this worker lives each time it wakes."""

    def __init__(self, name: str) -> None:
        super().__init__(name="watcher", daemon=True)
        self._worker = name
        self._ended = threading.Event()

    def end(self) -> None:
        """Stop within one blocking read."""
        self._ended.set()

    def run(self) -> None:
        """Watch until told to end; Redis away is waited out."""
        redis = connect(process.settings().redis_url)
        # From the start: what waits already rings at once, as it does after Redis was away.
        seen = {keys.events(scope): b"0-0" for scope in process.scopes()}
        while not self._ended.is_set():
            try:
                self._watch(redis, seen)
                time.sleep(RINGS_APART_SECONDS)
            except (RedisError, OSError, queue.OperationalError) as error:
                log.warning("watcher-waits-for-redis", extra={"error": str(error)})
                self._ended.wait(AWAY_SECONDS)

    def _watch(self, redis: Redis, seen: dict[str, bytes]) -> None:
        self._say_alive(redis)
        arrived = redis.xread(seen, count=1, block=BLOCK_MS)
        for stream, entries in arrived or ():
            name = stream.decode()
            seen[name] = entries[-1][0]
            queue.ring(redis, queue.DRAIN, name.partition("}")[0][1:])

    def _say_alive(self, redis: Redis) -> None:
        now = clock.now_ms()
        pipe = redis.pipeline()
        pipe.zadd(keys.workers(), {self._worker: now})
        pipe.zremrangebyscore(keys.workers(), 0, now - FORGET_MS)
        pipe.execute()


class WatcherStep(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
    """Starts the watcher with the worker, once its pool is up, and ends it with it."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: WorkController, **options: object) -> None:
        super().__init__(parent, **options)
        self._watcher: Watcher | None = None

    def start(self, parent: WorkController) -> None:
        """Start the thread."""
        self._watcher = Watcher(parent.hostname)
        self._watcher.start()

    def stop(self, parent: WorkController) -> None:  # noqa: ARG002, celery's signature
        """Tell the thread to end; it dies with the process in any case."""
        if self._watcher is not None:
            self._watcher.end()
