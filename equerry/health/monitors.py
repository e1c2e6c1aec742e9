"""What a check-in makes of its monitor, and which of that is worth telling. Pure.

A monitor is a scheduled job elsewhere, in one environment. It says that it begins, and how it
ended, or only how it ended.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from equerry import clock
from equerry.events.event import CHECK_INS, Event
from equerry.events.report import CheckInReport
from equerry.events.severity import Severity
from equerry.finding import Finding

FAILED = "check-in-failed"
FULL = "monitors-full"
# A project's monitors. Those that are known keep their places; new ones beyond are not kept.
MOST_MONITORS = 1_000
KEPT_RUNS = 10

Status = Literal["in_progress", "ok", "error"]


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check-in that told of an end, or of a beginning whose end is not told yet."""

    at_ms: int
    status: Status
    check_in: str = ""
    duration_seconds: float | None = None


class Monitor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A monitor's state. Times are epoch milliseconds of receipt; 0 is never.

    status: of the last check-in, and since when it is that. running_since_ms: when the run that
    began last did so, unless it ended. config: the schedule, its timezone and margins, as they were
    sent last. runs: the last KEPT_RUNS, the newest first.
    """

    slug: str
    environment: str
    status: Status
    since_ms: int
    last_ms: int
    last_ok_ms: int = 0
    running_since_ms: int = 0
    duration_seconds: float | None = None
    release: str = ""
    config: dict[str, Any] = {}
    runs: tuple[Run, ...] = ()

    @property
    def name(self) -> str:
        """What tells it from the project's other monitors."""
        return name(self.slug, self.environment)


class Update(msgspec.Struct, frozen=True):
    """What a run of events does: monitors as they are afterwards, by name, and what to tell."""

    monitors: dict[str, Monitor]
    findings: tuple[Finding, ...]


def name(slug: str, environment: str) -> str:
    """Return a monitor's name: its slug and, where one was given, its environment."""
    return f"{slug} {environment}" if environment else slug


def named(events: Iterable[Event]) -> dict[str, list[tuple[CheckInReport, int]]]:
    """Return the check-ins among the events, with their times of receipt, by their monitor."""
    found: dict[str, list[tuple[CheckInReport, int]]] = {}
    for event in events:
        report = event.report
        if event.kind == CHECK_INS and isinstance(report, CheckInReport):
            monitor = name(report.monitor, report.environment)
            found.setdefault(monitor, []).append((report, event.received_ms))
    return found


def update(
    check_ins: Mapping[str, list[tuple[CheckInReport, int]]],
    known: Mapping[str, Monitor],
    room: int,
    project: str,
) -> Update:
    """Tell what the check-ins change. known: the monitors of theirs that are known.

    room: how many more monitors may be kept. Each monitor that failed is one finding.
    """
    after: dict[str, Monitor] = {}
    findings: list[Finding] = []
    left_out: list[tuple[CheckInReport, int]] = []
    for monitor_name, told in check_ins.items():
        monitor = known.get(monitor_name)
        if monitor is None and room < 1:
            left_out += told
            continue
        room -= monitor is None
        failed: Monitor | None = None
        for report, at_ms in told:
            monitor = _after(monitor, report, at_ms)
            failed = monitor if report.status == "error" else failed
        if monitor is not None:
            after[monitor_name] = monitor
        if failed is not None:
            findings.append(_failed(failed, project))
    if left_out:
        findings.append(_full(*left_out[-1], project))
    return Update(after, tuple(findings))


def _after(before: Monitor | None, report: CheckInReport, at_ms: int) -> Monitor:
    status = report.status
    run = Run(at_ms, status, report.check_in, report.duration_seconds)
    if before is None:
        before = Monitor(
            slug=report.monitor,
            environment=report.environment,
            status=status,
            since_ms=at_ms,
            last_ms=at_ms,
        )
    if status == "in_progress":
        running_ms = at_ms
    elif report.check_in and before.running_since_ms and _began(before) != report.check_in:
        running_ms = before.running_since_ms  # another run of it goes on
    else:
        running_ms = 0
    return replace(
        before,
        status=status,
        since_ms=before.since_ms if status == before.status else at_ms,
        last_ms=max(before.last_ms, at_ms),
        last_ok_ms=at_ms if status == "ok" else before.last_ok_ms,
        running_since_ms=running_ms,
        duration_seconds=_duration(before, report, at_ms),
        release=report.release or before.release,
        config=report.config or before.config,
        runs=(run, *_ended(before.runs, report.check_in))[:KEPT_RUNS],
    )


def _began(monitor: Monitor) -> str:
    """Return the id of the run that goes on."""
    return next((run.check_in for run in monitor.runs if run.status == "in_progress"), "")


def _ended(runs: tuple[Run, ...], check_in: str) -> tuple[Run, ...]:
    """Leave out the beginning of the run whose end came."""
    if not check_in:
        return runs
    return tuple(run for run in runs if run.status != "in_progress" or run.check_in != check_in)


def _duration(before: Monitor, report: CheckInReport, at_ms: int) -> float | None:
    """Return how long the last run took: as told, else from its beginning to its end."""
    if report.status == "in_progress":
        return before.duration_seconds
    if report.duration_seconds is not None:
        return report.duration_seconds
    began_ms = next(
        (
            run.at_ms
            for run in before.runs
            if run.status == "in_progress" and run.check_in == report.check_in
        ),
        0,
    )
    return (at_ms - began_ms) / 1000 if began_ms else None


def _failed(monitor: Monitor, project: str) -> Finding:
    last_ok = clock.rfc3339(monitor.last_ok_ms) if monitor.last_ok_ms else "never"
    details = {"Project": project, "Monitor": monitor.slug, "Last ok": last_ok}
    if monitor.environment:
        details["Environment"] = monitor.environment
    if monitor.duration_seconds is not None:
        details["Took"] = f"{monitor.duration_seconds:g} s"
    if monitor.release:
        details["Release"] = monitor.release
    return Finding(
        rule=FAILED,
        key=f"{FAILED}:{monitor.name}",
        severity=Severity.HIGH,
        title=f"{monitor.slug} of {project} reports that it failed",
        at_ms=monitor.last_ms,
        details=details,
    )


def _full(report: CheckInReport, at_ms: int, project: str) -> Finding:
    return Finding(
        rule=FULL,
        key=FULL,
        severity=Severity.MEDIUM,
        title=f"{project} has {MOST_MONITORS:,} monitors: the check-ins of new ones are not kept",
        at_ms=at_ms,
        details={"Project": project, "Monitor": report.monitor},
    )
