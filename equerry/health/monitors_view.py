"""What is shown of monitors."""

from typing import Any

import msgspec

from equerry import clock
from equerry.health import monitor_store
from equerry.health.monitors import Monitor
from equerry.redis_client import Redis


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One monitor. Times are RFC 3339, empty for never; duration_seconds is the last run's.

    schedule: as a person reads it, empty where none was sent. config: as it was sent.
    """

    monitor: str
    environment: str
    status: str
    since: str
    last_seen: str
    last_ok: str
    in_progress_since: str
    duration_seconds: float | None
    schedule: str
    release: str
    config: dict[str, Any]


def every(redis: Redis, scope: str) -> list[Seen]:
    """Return the monitors, by name."""
    return [_seen(monitor) for monitor in monitor_store.read(redis, scope)]


def _seen(monitor: Monitor) -> Seen:
    return Seen(
        monitor=monitor.slug,
        environment=monitor.environment,
        status=monitor.status,
        since=clock.rfc3339(monitor.since_ms),
        last_seen=clock.rfc3339(monitor.last_ms),
        last_ok=_time(monitor.last_ok_ms),
        in_progress_since=_time(monitor.running_since_ms),
        duration_seconds=monitor.duration_seconds,
        schedule=schedule(monitor.config),
        release=monitor.release,
        config=monitor.config,
    )


def _time(at_ms: int) -> str:
    return clock.rfc3339(at_ms) if at_ms else ""


def schedule(config: dict[str, Any]) -> str:
    """Return e.g. `0 3 * * * Europe/Vienna` or `every 5 minute`; empty where none was sent.

    config: a `monitor_config` as any client may send it.
    """
    given = config.get("schedule")
    if not isinstance(given, dict):
        return ""
    value = str(given.get("value", ""))
    if given.get("type") == "interval":
        return f"every {value} {given.get('unit', '')}".rstrip()
    zone = config.get("timezone")
    return f"{value} {zone}" if isinstance(zone, str) else value
