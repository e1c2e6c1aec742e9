"""What check-ins make of their monitor."""

import pytest

from equerry.events.report import CheckInReport
from equerry.events.severity import Severity
from equerry.health import monitors, monitors_view
from equerry.health.monitors import KEPT_RUNS, Monitor

AT_MS = 1_800_000_000_000
MINUTE_MS = 60_000


def told(*steps: str | tuple[str, str] | tuple[str, str, float]) -> Monitor:
    """Return the monitor after these check-ins, a minute apart: status, id, duration."""
    every = [(step,) if isinstance(step, str) else step for step in steps]
    check_ins = [
        (
            CheckInReport(
                timestamp="t",
                monitor="nightly",
                status=step[0],  # type: ignore[arg-type]
                check_in=step[1] if len(step) > 1 else "",
                duration_seconds=step[2] if len(step) > 2 else None,
            ),
            AT_MS + number * MINUTE_MS,
        )
        for number, step in enumerate(every)
    ]
    after = monitors.update({"nightly": check_ins}, {}, 1, "web")
    return after.monitors["nightly"]


@pytest.mark.parametrize(
    ("steps", "status", "since", "last_ok", "running", "took"),
    [
        (["ok"], "ok", 0, 0, None, None),
        (["ok", "ok", "ok"], "ok", 0, 2, None, None),
        (["ok", "error", "error"], "error", 1, 0, None, None),
        (["error", "ok"], "ok", 1, 1, None, None),
        ([("in_progress", "a")], "in_progress", 0, None, 0, None),
        ([("in_progress", "a"), ("ok", "a")], "ok", 1, 1, None, 60.0),
        ([("in_progress", "a"), ("ok", "a", 12.5)], "ok", 1, 1, None, 12.5),
        (["in_progress", "ok"], "ok", 1, 1, None, 60.0),
        ([("in_progress", "a"), ("ok", "b")], "ok", 1, 1, 0, None),
        ([("in_progress", "a"), ("in_progress", "b"), ("ok", "b")], "ok", 2, 2, None, 60.0),
        ([("ok", "a", 3.0), ("in_progress", "b")], "in_progress", 1, 0, 1, 3.0),
    ],
)
def test_states(
    steps: list[str | tuple[str, str] | tuple[str, str, float]],
    status: str,
    since: int,
    last_ok: int | None,
    running: int | None,
    took: float | None,
) -> None:
    """Status and since when, the last success, the run that goes on, and how long the last took."""
    monitor = told(*steps)

    def at(minutes: int | None) -> int:
        return 0 if minutes is None else AT_MS + minutes * MINUTE_MS

    assert (monitor.status, monitor.since_ms) == (status, at(since))
    assert (monitor.last_ok_ms, monitor.running_since_ms) == (at(last_ok), at(running))
    assert monitor.duration_seconds == took


def test_the_last_runs_are_kept() -> None:
    """The newest first, and only so many; a beginning goes when its end comes."""
    monitor = told(*(("ok", str(number)) for number in range(30)))
    assert [run.check_in for run in monitor.runs] == [str(29 - n) for n in range(KEPT_RUNS)]
    assert [run.status for run in told(("in_progress", "a"), ("ok", "a")).runs] == ["ok"]


def check_in(status: str, monitor: str = "nightly", **more: object) -> CheckInReport:
    """Return a check-in."""
    return CheckInReport(timestamp="t", monitor=monitor, status=status, **more)  # type: ignore[arg-type]


def test_each_failing_monitor_is_told_once_a_batch() -> None:
    """Environments are monitors of their own; a failure before a success is told all the same."""
    failed = check_in("error", environment="prod", release="web@1")
    again = check_in("ok", environment="prod")
    after = monitors.update(
        {
            "nightly prod": [(failed, AT_MS), (failed, AT_MS + 1), (again, AT_MS + 2)],
            "nightly": [(check_in("ok"), AT_MS)],
        },
        {},
        10,
        "web",
    )
    [finding] = after.findings
    assert (finding.key, finding.severity) == ("check-in-failed:nightly prod", Severity.HIGH)
    assert finding.details["Last ok"] == "never"
    assert finding.details["Environment"] == "prod"
    assert after.monitors["nightly prod"].status == "ok"


def test_known_monitors_keep_their_places() -> None:
    """Beyond the bound new ones are not kept, and that is told."""
    known = {"nightly": told("ok")}
    after = monitors.update(
        {name: [(check_in("ok", name), AT_MS)] for name in ("nightly", "a", "b", "c")},
        known,
        1,
        "web",
    )
    assert set(after.monitors) == {"nightly", "a"}
    assert [finding.rule for finding in after.findings] == ["monitors-full"]


def test_what_was_told_before_stays() -> None:
    """A check-in without a schedule leaves the one that was sent last."""
    config = {"schedule": {"type": "interval", "value": 5, "unit": "minute"}}
    first = [(check_in("in_progress", config=config, release="web@1"), AT_MS)]
    known = monitors.update({"nightly": first}, {}, 1, "web").monitors
    after = monitors.update({"nightly": [(check_in("ok"), AT_MS + 1)]}, known, 0, "web")
    assert (after.monitors["nightly"].config, after.monitors["nightly"].release) == (
        config,
        "web@1",
    )


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({}, ""),
        ({"schedule": "daily"}, ""),
        ({"schedule": {"type": "crontab", "value": "0 3 * * *"}}, "0 3 * * *"),
        (
            {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Vienna"},
            "0 3 * * * Europe/Vienna",
        ),
        ({"schedule": {"type": "interval", "value": 5, "unit": "minute"}}, "every 5 minute"),
        ({"schedule": {"value": None}, "timezone": 5}, "None"),
    ],
)
def test_schedules_are_readable(config: dict[str, object], shown: str) -> None:
    """Whatever a client sends as its schedule is shown or left out, never a fault."""
    assert monitors_view.schedule(config) == shown
