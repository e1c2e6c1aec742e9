"""Every transition of an alert and every attempt of a notification, as a line of the archive."""

import uuid
from typing import Literal

import msgspec

from equerry import clock
from equerry.alerts.notification import Notification
from equerry.events.event import ALERTS
from equerry.redis_client import Pipeline
from equerry.stream import entry

What = Literal[
    "first",
    "repeat-due",
    "worse",
    "queued",
    "sent",
    "attempt-failed",
    "given-up",
    "channel-disabled",
    "channel-enabled",
]


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of the `alerts` archive."""

    timestamp: str
    what: What
    key: str = ""
    title: str = ""
    alert_severity: str = ""
    timing: str = ""
    channel: str = ""
    notification: str = ""
    findings: int = 0
    attempt: int = 0
    detail: str = ""


def write(pipe: Pipeline, scope: str, at_ms: int, **fields: object) -> None:
    """Queue one line, in the same transaction as what it tells of."""
    line = msgspec.convert({"timestamp": clock.rfc3339(at_ms), **fields}, Line)
    entry.append(pipe, scope, ALERTS, uuid.uuid4().hex, at_ms, msgspec.json.encode(line))


def write_row(pipe: Pipeline, row: Notification, at_ms: int, what: What, detail: str = "") -> None:
    """Queue a line about a notification."""
    write(
        pipe,
        row.scope,
        at_ms,
        what=what,
        key=row.lead.key,
        title=row.title,
        channel=row.channel,
        notification=row.id,
        findings=len(row.findings),
        attempt=row.attempts,
        detail=detail,
    )
