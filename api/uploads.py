"""How many bodies may be read at once: a sender who drips must not hold every thread.

WSGI reads a body in a thread, and no time-out ends a read that waits for the next byte: a thread is
held for as long as its sender likes. So the door keeps threads free that no body can hold, and
gives no address more than a few. Limit: senders with many addresses can still hold every place of
the uploads (the probes answer all the same); a proxy that buffers whole requests keeps them out.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from equerry.errors import Refused

# The Procfile's --blocking-threads; what is left beside the uploads answers probes and refusals.
THREADS = 64
SPARED = 16
PER_BUCKET = 8
# A fast body takes milliseconds, but the benchmark's 16 connections from one address were read side
# by side now and then: some wait a moment for a place. Only slow senders make them wait it out.
WAITING_PER_BUCKET = 16
PATIENCE_SECONDS = 0.2
RETRY_SECONDS = 5
# Bodies above body.SMALL_BYTES that are held at once, until they are read: at most 10 MiB each, and
# what JSON becomes in memory is twenty times one item's 1 MiB.
LARGE = 6
LARGE_PER_BUCKET = 2


class _Sender:
    """One bucket's bodies: being read, and waiting for a place."""

    __slots__ = ("reading", "waiting")

    def __init__(self) -> None:
        self.reading = 0
        self.waiting = 0


class Uploads:
    """Counts who is being read from. Safe among threads."""

    def __init__(
        self,
        total: int = THREADS - SPARED,
        per_bucket: int = PER_BUCKET,
        waiting_per_bucket: int = WAITING_PER_BUCKET,
    ) -> None:
        self._total = total
        self._per_bucket = per_bucket
        self._waiting_per_bucket = waiting_per_bucket
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._senders: dict[str, _Sender] = {}

    @contextmanager
    def reading(self, bucket: str) -> Iterator[None]:
        """Hold a place while a body is read. bucket: whose it is; see client_address.bucket.

        Raises Refused 429 where the bucket, or all together, have no place within a moment.
        """
        with self._lock:
            self._take(bucket)
        try:
            yield
        finally:
            with self._lock:
                sender = self._senders[bucket]
                sender.reading -= 1
                if sender.waiting:
                    self._room.notify_all()
                self._forget(bucket)

    def _take(self, bucket: str) -> None:
        busy = sum(sender.reading + sender.waiting for sender in self._senders.values())
        if busy >= self._total:
            raise _refused("too many uploads are still on their way")
        sender = self._senders.get(bucket)
        if sender is None:
            sender = self._senders[bucket] = _Sender()
        if not self._has_room(sender) and sender.waiting < self._waiting_per_bucket:
            sender.waiting += 1
            self._room.wait_for(lambda: self._has_room(sender), PATIENCE_SECONDS)
            sender.waiting -= 1
        if not self._has_room(sender):
            self._forget(bucket)
            raise _refused("too many uploads from your address are still on their way")
        sender.reading += 1

    def _has_room(self, sender: _Sender) -> bool:
        return sender.reading < self._per_bucket

    def _forget(self, bucket: str) -> None:
        sender = self._senders[bucket]
        if not sender.reading and not sender.waiting:
            del self._senders[bucket]


def _refused(detail: str) -> Refused:
    return Refused(
        429,
        f"{detail}; wait as Retry-After says",
        retry_after_seconds=RETRY_SECONDS,
        reason="slow-uploads",
    )
