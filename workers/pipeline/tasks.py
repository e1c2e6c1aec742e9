"""The event path's task: a ring at the door, no work inside."""

import logging

from celery import shared_task

from equerry import keys, queue
from equerry.errors import ArchiveFull
from workers import process
from workers.pipeline import drain as draining
from workers.pipeline import trouble

log = logging.getLogger(__name__)

# Long enough to be worth the ring, short enough that alerts and sweeps get their turn.
DRAIN_SECONDS = 2.0


@shared_task(name=queue.DRAIN.name)
def drain(scope: str) -> None:
    """Drain one scope for a while; ring for the next drain where events are left."""
    bench = process.bench()
    queue.answered(bench.redis, queue.DRAIN, scope)
    try:
        done = draining.drain(bench, scope, process.scopes()[scope], DRAIN_SECONDS)
    except ArchiveFull as error:
        trouble.disk_full(bench.redis, str(error))
        queue.ring(bench.redis, queue.DECIDE, keys.SITE)
        return
    if done.findings:
        queue.ring(bench.redis, queue.DECIDE, scope)
    if done.committed and bench.redis.xlen(keys.events(scope)):
        queue.ring(bench.redis, queue.DRAIN, scope)
