"""Sends what is due: bundles whose time is over, retries, and sends that a kill interrupted."""

from equerry import queue
from equerry.alerts import ledger, outbox
from workers.jobs.job import Context, Outcome


def run(context: Context) -> Outcome:
    """Ring for groups whose time is over, and for each notification that is due."""
    bundles = sends = 0
    for scope in context.scopes:
        groups = ledger.read_groups(context.redis, scope).values()
        if any(group.until_ms <= context.now_ms for group in groups):
            bundles += queue.ring(context.redis, queue.DECIDE, scope)
        for id_ in outbox.due(context.redis, scope, context.now_ms):
            sends += queue.ring(context.redis, queue.DELIVER, scope, id_)
    return Outcome({"bundles": bundles, "sends": sends})
