"""Items `check_in`: a scheduled job's sign of life."""

from typing import Any

from equerry.errors import Cause, Refused
from equerry.events import limits
from equerry.events.event import CHECK_INS
from equerry.events.fields import Draft
from equerry.events.intake import Incoming
from equerry.events.report import CheckInReport
from equerry.events.sentry import lenient
from equerry.events.sentry.context import Context, incoming, json_object

STATUSES = ("in_progress", "ok", "error")


def read(payload: bytes, context: Context) -> list[Incoming]:
    """Read a check-in. Raises Refused where it names no monitor, or no status that there is."""
    given = json_object(payload)
    return [convert(given, given.get("monitor_slug"), context)]


def convert(given: dict[str, Any], slug: object, context: Context) -> Incoming:
    """Return the check-in of a monitor. Raises Refused as `read` does.

    A slug has no white space, as Sentry's have none: beside its environment it stays apart.
    """
    draft = Draft("")
    monitor = "-".join(lenient.text(slug, limits.COMPONENT, "monitor", draft).split())
    status = given.get("status")
    if not monitor:
        raise _refused("monitor_slug", "is required", "")
    if status not in STATUSES:
        raise _refused("status", "is none of the values it can take", ", ".join(STATUSES))
    report = CheckInReport(
        timestamp=lenient.when(given.get("timestamp"), context.now),
        monitor=monitor,
        status=status,
        check_in=identity(given.get("check_in_id")),
        duration_seconds=_seconds(given.get("duration")),
        release=lenient.text(given.get("release"), limits.RELEASE, "release", draft),
        environment=lenient.text(
            given.get("environment"), limits.ENVIRONMENT, "environment", draft
        ),
        config=lenient.tree(given.get("monitor_config"), "config", draft),
        user_agent=context.user_agent,
        address=context.sender.address,
        cut=draft.cut,
    )
    return incoming(CHECK_INS, report)


def _seconds(given: object) -> float | None:
    """Return a duration, which a query has as text; None for what is none."""
    if isinstance(given, str):
        try:
            given = float(given)
        except ValueError:
            return None
    duration = lenient.number(given)
    return duration if duration is not None and duration >= 0 else None


def identity(given: object) -> str:
    """Return a check-in's id in the form that all senders share where it is a UUID; else cut."""
    return lenient.identity(given) or lenient.text(given, limits.WORD, "check_in", Draft(""))


def _refused(field: str, problem: str, limit: str) -> Refused:
    return Refused(400, f"The check-in's {field} {problem}.", (Cause(field, problem, limit),))
