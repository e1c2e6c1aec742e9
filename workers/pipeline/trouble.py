"""What goes wrong in the pipeline itself, as findings."""

import logging

from equerry import clock, keys
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.stream import findings

log = logging.getLogger(__name__)


def disk_full(redis: Redis, problem: str) -> None:
    """Say that draining has stopped; the events wait in the stream."""
    log.error("archive-disk-full", extra={"problem": problem})
    finding = Finding(
        rule="disk-full",
        key="disk-full:archive",
        severity=Severity.CRITICAL,
        title="The archive's disk is full: events wait in Redis and are not processed",
        at_ms=clock.now_ms(),
        details={
            "Problem": problem,
            "Lost": "nothing; draining goes on by itself once there is room",
            "Do": "make room on the disk of data_dir, or lower archive.retention_days",
        },
    )
    findings.put(redis, keys.SITE, (finding,))
