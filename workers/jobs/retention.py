"""Closes past hours of the archive, removes what is too old, and forgets the index's old rows."""

import logging

from equerry.alerts import ledger, outbox
from equerry.archive import closing
from equerry.issues import index
from workers.jobs.job import Context, Outcome

log = logging.getLogger(__name__)

MAX_ISSUES = 100_000


def run(context: Context) -> Outcome:
    """Do all three; says each removed segment in the log and the totals in the summary."""
    archive = context.settings.archive
    root = context.settings.data_path / "archive"
    closed = closing.close_past(root, context.now_ms)
    removed = closing.remove_old(
        root,
        context.now_ms,
        retention_days=archive.retention_days,
        max_bytes=archive.max_bytes,
    )
    for segment, size_bytes, reason in removed:
        log.info(
            "segment-removed",
            extra={
                "segment": str(segment.path.relative_to(root)),
                "bytes": size_bytes,
                "reason": reason,
            },
        )
    before_ms = context.now_ms - archive.retention_days * closing.DAY_MS
    return Outcome(
        {
            "closed": len(closed),
            "removed": len(removed),
            "removed_bytes": sum(row.size_bytes for row in removed),
            "issues_forgotten": sum(
                index.trim(context.redis, scope, before_ms, MAX_ISSUES) for scope in context.scopes
            ),
            "notifications_forgotten": sum(
                outbox.forget_dead(context.redis, scope, before_ms) for scope in context.scopes
            ),
            "alerts_forgotten": sum(
                ledger.forget(context.redis, scope, before_ms) for scope in context.scopes
            ),
        }
    )
