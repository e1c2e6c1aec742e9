"""Rings again for whatever waits: a lost ring costs seconds, not events."""

from equerry import keys, queue
from workers.jobs.job import Context, Outcome


def run(context: Context) -> Outcome:
    """Ring for every scope with events or findings; those that rang already are left alone."""
    rung = 0
    for scope in context.scopes:
        if context.redis.xlen(keys.events(scope)):
            rung += queue.ring(context.redis, queue.DRAIN, scope)
        if context.redis.xlen(keys.findings(scope)):
            rung += queue.ring(context.redis, queue.DECIDE, scope)
    return Outcome({"rung": rung})
