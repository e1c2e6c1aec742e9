"""The columns of the archive's kinds, as SQL knows them: name → type."""

from equerry.events.event import (
    ALERTS,
    CHECK_INS,
    DROPS,
    ERRORS,
    FEEDBACK,
    ISSUES,
    JOBS,
    LOGS,
    METRICS,
    NOISE,
    SESSIONS,
)

_TEXT = "VARCHAR"
_TIME = "TIMESTAMP"
_PAIRS = "MAP(VARCHAR, VARCHAR)"
_SIZES = "MAP(VARCHAR, BIGINT)"

# What `equerry.archive.line.encode` writes before the event's own fields. Times are UTC.
_ENVELOPE = {
    "_id": _TEXT,
    "id": _TEXT,
    "project": "INTEGER",
    "received_at": _TIME,
    "timestamp": _TIME,
}
_RATED = {**_ENVELOPE, "severity": _TEXT, "severity_reason": _TEXT}
_FROM = {"user_agent": _TEXT, "address": _TEXT, "cut": _SIZES}
_DEPLOYED = {"release": _TEXT, "environment": _TEXT}
_SENDER = {**_DEPLOYED, "tags": _PAIRS, **_FROM}
_ERROR = {
    "message": _TEXT,
    "name": _TEXT,
    "stack": _TEXT,
    "exceptions": "JSON",
    "group_by": "VARCHAR[]",
    "transaction": _TEXT,
    "logger": _TEXT,
    "platform": _TEXT,
    "server_name": _TEXT,
    "dist": _TEXT,
    "sdk": _TEXT,
    "modules": _PAIRS,
    "debug_ids": _PAIRS,
    "source_maps": "JSON",
    "level": _TEXT,
    "boundary": _TEXT,
    "component": _TEXT,
    "url": _TEXT,
    "user": _TEXT,
    "handled": "BOOLEAN",
    "retry_count": "BIGINT",
    **_SENDER,
    "extra": "JSON",
    "contexts": "JSON",
    "request": "JSON",
    "breadcrumbs": "JSON",
}


def view(kind: str) -> str:
    """Return what a kind is called in a query, where a hyphen would have to be quoted."""
    return kind.replace("-", "_")


# Kind → its columns. A field that an event leaves out is NULL.
COLUMNS: dict[str, dict[str, str]] = {
    ERRORS: {**_RATED, "fingerprint": _TEXT, **_ERROR},
    METRICS: {
        **_RATED,
        "name": _TEXT,
        "value": "DOUBLE",
        "rating": _TEXT,
        "delta": "DOUBLE",
        "event": _TEXT,
        "duration": "DOUBLE",
        "component": _TEXT,
        "url": _TEXT,
        "route": _TEXT,
        "device": _TEXT,
        "connection": _TEXT,
        "metric_id": _TEXT,
        "navigationType": _TEXT,
        "navigationId": _TEXT,
        "navigationURL": _TEXT,
        "attribution": "JSON",
        **_SENDER,
    },
    SESSIONS: {
        **_ENVELOPE,
        "started": "BIGINT",
        "errored": "BIGINT",
        "crashed": "BIGINT",
        "abnormal": "BIGINT",
        "visit": _TEXT,
        "user": _TEXT,
        **_DEPLOYED,
        **_FROM,
    },
    CHECK_INS: {
        **_ENVELOPE,
        "monitor": _TEXT,
        "status": _TEXT,
        "check_in": _TEXT,
        "duration_seconds": "DOUBLE",
        "config": "JSON",
        **_DEPLOYED,
        **_FROM,
    },
    DROPS: {
        **_ENVELOPE,
        "reason": _TEXT,
        "category": _TEXT,
        "quantity": "BIGINT",
        **_FROM,
    },
    LOGS: {
        **_ENVELOPE,
        "message": _TEXT,
        "level": _TEXT,
        "attributes": "JSON",
        "trace": _TEXT,
        **_DEPLOYED,
        **_FROM,
    },
    FEEDBACK: {
        **_ENVELOPE,
        "message": _TEXT,
        "name": _TEXT,
        "email": _TEXT,
        "event": _TEXT,
        "url": _TEXT,
        **_SENDER,
    },
    ALERTS: {
        **_ENVELOPE,
        "what": _TEXT,
        "key": _TEXT,
        "title": _TEXT,
        "alert_severity": _TEXT,
        "timing": _TEXT,
        "channel": _TEXT,
        "notification": _TEXT,
        "findings": "INTEGER",
        "attempt": "INTEGER",
        "detail": _TEXT,
    },
    JOBS: {
        **_ENVELOPE,
        "job": _TEXT,
        "slot": _TEXT,
        "result": _TEXT,
        "late_seconds": "DOUBLE",
        "ended_at": _TEXT,
        "duration_ms": "BIGINT",
        "summary": "JSON",
        "error": _TEXT,
    },
    ISSUES: {
        **_ENVELOPE,
        "what": _TEXT,
        "issue": "INTEGER",
        "by": _TEXT,
        "note": _TEXT,
        "fingerprint": _TEXT,
        "into": "INTEGER",
        "state": "JSON",
    },
    NOISE: {**_RATED, "noise": _TEXT, **_ERROR},
}
