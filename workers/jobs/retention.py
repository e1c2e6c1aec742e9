"""Closes past hours of the archive, removes what is too old, forgets the index's old rows."""

import logging
import sqlite3

from redis.exceptions import ResponseError

from equerry.alerts import ledger, outbox
from equerry.archive import closing
from equerry.clock import DAY_MS
from equerry.health import monitor_store
from equerry.issues import index
from equerry.source_maps import assembly, expiry
from workers.jobs import bound_index
from workers.jobs.job import Context, Outcome

log = logging.getLogger(__name__)


def run(context: Context) -> Outcome:
    """Do all of it; says each removed segment in the log and the totals in the summary."""
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
    rewritten = _rewrite_aof(context)
    before_ms = context.now_ms - archive.retention_days * DAY_MS
    return Outcome(
        {
            "aof_rewritten": rewritten,
            "source_maps_removed": _expire_source_maps(context),
            "closed": len(closed),
            "removed": len(removed),
            "removed_bytes": sum(row.size_bytes for row in removed),
            "issues_forgotten": sum(
                index.trim(context.redis, scope, before_ms, bound_index.MAX_ISSUES)
                for scope in context.scopes
            ),
            "notifications_forgotten": sum(
                outbox.forget_dead(context.redis, scope, before_ms) for scope in context.scopes
            ),
            "monitors_forgotten": sum(
                monitor_store.forget(context.redis, scope, before_ms) for scope in context.scopes
            ),
            "alerts_forgotten": sum(
                ledger.forget(context.redis, scope, before_ms) for scope in context.scopes
            ),
        }
    )


def _expire_source_maps(context: Context) -> int:
    """Remove uploads that are of no use any more; a project's damaged index harms no other."""
    limits, removed = context.settings.source_maps, 0
    assembly.chunks(context.settings.data_path, limits).tidy()
    for project in context.settings.projects:
        try:
            expired = expiry.expire(
                context.settings.data_path, project.id, context.now_ms, limits.unused_days
            )
        except (OSError, sqlite3.Error) as error:
            log.warning(
                "source-maps-not-expired",
                extra={"project": project.slug, "error": type(error).__name__},
            )
            continue
        removed += expired.uploads
    return removed


def _rewrite_aof(context: Context) -> str:
    """Have the embedded Valkey forget what its log still holds of drained, unscrubbed reports."""
    if context.settings.redis.url:
        return "not ours"
    try:
        context.redis.bgrewriteaof()
    except ResponseError as error:  # one is running already
        return str(error)
    return "begun"
