"""A line of the archive as one line for a person."""

from collections.abc import Callable, Mapping

import click
import msgspec

from equerry import clock
from equerry.alerts import audit
from equerry.archive import line as lines
from equerry.cli.printable import printable
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
    Event,
)
from equerry.events.report import (
    CheckInReport,
    DropReport,
    ErrorFacts,
    FeedbackReport,
    LogReport,
    MetricReport,
    SessionReport,
)
from equerry.issues import journal
from equerry.issues.tally import title

COLOURS = {
    "critical": "red",
    "high": "yellow",
    "medium": "cyan",
    "failed": "red",
    "crashed": "red",
    "error": "red",
}
# How a session may have gone, the worst first.
_ENDS = ("crashed", "abnormal", "errored")
WORD_COLUMNS = 8


class _Job(msgspec.Struct, frozen=True):
    """What is shown of a job's run."""

    job: str
    result: str
    duration_ms: int = 0
    summary: dict[str, int | float | str] = {}
    error: str = ""


_JOB = msgspec.json.Decoder(_Job)
_ALERT = msgspec.json.Decoder(audit.Line)


def _error(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, ErrorFacts):
        return ()
    word = event.noise if event.kind == NOISE else event.severity or ""
    return (word, title(report), report.component, report.url)


def _metric(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, MetricReport):
        return ()
    parts = [report.rating]
    if report.name:
        parts.append(report.name if report.value is None else f"{report.name} {report.value:g}")
    if report.event:
        parts.append(report.event)
    if report.duration is not None:
        parts.append(f"{report.duration:g} ms")
    return (*parts, report.component, report.navigation_url or report.url)


def _session(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, SessionReport):
        return ()
    counted = {name: getattr(report, name) for name in ("started", *_ENDS)}
    word = next((name for name in _ENDS if counted[name]), "ok")
    numbers = " ".join(f"{name}={number}" for name, number in counted.items() if number)
    return (word, report.release, report.environment, report.visit, numbers)


def _check_in(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, CheckInReport):
        return ()
    seconds = report.duration_seconds
    took = "" if seconds is None else f"{seconds:g} s"
    return (report.status, report.monitor, report.environment, took)


def _drop(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, DropReport):
        return ()
    return ("", f"{report.quantity} {report.category}", report.reason)


def _log(event: Event) -> tuple[str, ...]:
    report = event.report
    return (report.level, report.message) if isinstance(report, LogReport) else ()


def _feedback(event: Event) -> tuple[str, ...]:
    report = event.report
    if not isinstance(report, FeedbackReport):
        return ()
    return ("", report.message, report.name, report.email, report.url)


def _alert(event: Event) -> tuple[str, ...]:
    alert = _ALERT.decode(event.raw)
    attempt = f"attempt {alert.attempt}" if alert.attempt else ""
    parts = (alert.what, alert.channel, attempt, alert.title, alert.timing, alert.detail)
    return (alert.alert_severity, *parts)


def _job(event: Event) -> tuple[str, ...]:
    run = _JOB.decode(event.raw)
    summary = " ".join(f"{name}={value}" for name, value in run.summary.items())
    return (run.result, run.job, f"{run.duration_ms} ms", summary, run.error)


def _issue(event: Event) -> tuple[str, ...]:
    line = journal.decode(event.raw)
    parts = (f"issue {line.issue}", line.by, line.note, f"into {line.into}" * bool(line.into))
    return (line.what, *parts)


# Kind → the word that leads the line (a severity, a result), and the parts after the project.
PARTS: dict[str, Callable[[Event], tuple[str, ...]]] = {
    ERRORS: _error,
    METRICS: _metric,
    SESSIONS: _session,
    CHECK_INS: _check_in,
    DROPS: _drop,
    LOGS: _log,
    FEEDBACK: _feedback,
    ALERTS: _alert,
    JOBS: _job,
    ISSUES: _issue,
    NOISE: _error,
}


def readable(line: bytes, kind: str, projects: Mapping[int, str]) -> str:
    """Return time (UTC), leading word, project and what happened; safe for a terminal.

    projects: id → slug. A damaged line is shown as it is.
    """
    try:
        event = lines.decode(line, kind)
        word, *parts = PARTS[kind](event)
    except ValueError:
        return printable(line.rstrip(b"\n").decode("utf-8", "replace"))
    when = clock.rfc3339(event.received_ms)[:19].replace("T", " ")
    lead = click.style(f"{printable(word):{WORD_COLUMNS}}", fg=COLOURS.get(word))
    where = projects.get(event.project, str(event.project or "site"))
    return "  ".join((when, lead, where, *(printable(part) for part in parts if part)))
