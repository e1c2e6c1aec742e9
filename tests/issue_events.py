"""Errors that happen, for tests of what becomes of issues: committed as the drain does it."""

import itertools
import uuid
from pathlib import Path
from typing import Any

import msgspec

from equerry import clock
from equerry.alert_settings import Alerts
from equerry.archive.segment import Writer
from equerry.events.event import Event
from equerry.events.report import ErrorFacts
from equerry.events.severity import Severity
from equerry.redis_client import Redis
from workers.pipeline import commit
from workers.pipeline.commit import Claim

SCOPE = "p1"
NOW_MS = clock.parse_ms("2026-11-23T15:04:05Z")
_STREAM_IDS = itertools.count(1)


def error(
    fingerprint: str = "f1",
    at_ms: int = NOW_MS,
    severity: Severity = Severity.MEDIUM,
    **facts: Any,
) -> Event:
    """Return an error after all stages. facts: fields of its report."""
    report = ErrorFacts(
        **{"timestamp": clock.rfc3339(at_ms), "message": f"{fingerprint} broke"} | facts
    )
    return Event(
        stream_id=f"{at_ms}-{next(_STREAM_IDS)}",
        id=uuid.uuid4().hex,
        kind="errors",
        project=1,
        received_ms=at_ms,
        raw=msgspec.json.encode(report),
        report=report,
        fingerprint=fingerprint,
        severity=severity,
        severity_reason="x",
    )


def happen(redis: Redis, *events: Event, archive: Path | None = None) -> int:
    """Commit a batch; returns how many findings it made. archive: where its lines go first."""
    if archive is not None:
        writer = Writer(archive, "node-1")
        commit.archive(writer, events, (), events[-1].received_ms)
        writer.close()
    return commit.commit(
        redis, Claim(SCOPE, "node-1", None), "web", commit.effect(events), 0, Alerts()
    )
