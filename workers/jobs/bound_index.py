"""Keeps the index within its bounds between two nights: a flood must not fill Redis."""

from equerry.alerts import ledger
from equerry.health import release_store
from equerry.issues import index
from workers.jobs.job import Context, Outcome

MAX_ISSUES = 100_000
MAX_ALERTS = 100_000
MAX_RELEASES = release_store.MOST_RELEASES


def run(context: Context) -> Outcome:
    """Forget the oldest issues, alerts and releases beyond their limits; the archive keeps all."""
    return Outcome(
        {
            "issues_forgotten": sum(
                index.trim(context.redis, scope, 0, MAX_ISSUES) for scope in context.scopes
            ),
            "alerts_forgotten": sum(
                ledger.keep_newest(context.redis, scope, MAX_ALERTS) for scope in context.scopes
            ),
            "releases_forgotten": sum(
                release_store.trim(context.redis, scope, context.now_ms, MAX_RELEASES)
                for scope in context.scopes
            ),
        }
    )
