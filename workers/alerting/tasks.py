"""The alerts' tasks: rings, no work inside."""

import random

from celery import shared_task

from equerry import clock, keys, queue
from workers import process
from workers.alerting import decide as deciding
from workers.alerting import deliver as delivering


@shared_task(name=queue.DECIDE.name)
def decide(scope: str) -> None:
    """Decide on a scope's findings and send what is due."""
    queue.answered(process.redis(), queue.DECIDE, scope)
    for row in deciding.decide(process.redis(), process.settings(), scope, clock.now_ms()):
        queue.ring(process.redis(), queue.DELIVER, row.scope, row.id)


@shared_task(name=queue.DELIVER.name)
def deliver(scope: str, id: str) -> None:  # noqa: A002, a notification's id
    """Send one notification."""
    redis = process.redis()
    queue.answered(redis, queue.DELIVER, scope, id)
    delivering.deliver(redis, process.settings(), scope, id, random.random)
    if redis.xlen(keys.findings(keys.SITE)):
        queue.ring(redis, queue.DECIDE, keys.SITE)
