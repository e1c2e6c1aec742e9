"""`equerry releases` and `equerry monitors`."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from equerry import clock
from equerry.cli import tables
from equerry.cli.releases import percent
from equerry.events.event import SESSIONS, Event
from equerry.events.report import CheckInReport, SessionReport
from equerry.health import client_drops, monitor_store, monitors, release_store, release_tally
from equerry.redis_client import Redis

Cli = Callable[..., Result]


def visit(redis: Redis, release: str, users: int, crashed: int) -> None:
    """Count so many sessions, each of another user; the first of them crashed."""
    events = [
        Event(
            stream_id="1-0",
            id="",
            kind=SESSIONS,
            project=1,
            received_ms=clock.now_ms(),
            raw=b"",
            report=SessionReport(
                timestamp="t",
                release=release,
                visit=f"v{number}",
                user=f"u{number}",
                started=1,
                crashed=int(number < crashed),
            ),
        )
        for number in range(users)
    ]
    release_store.write(redis, "p1", release_tally.tally(events))


@pytest.mark.usefixtures("redis")
def test_none(cli: Cli) -> None:
    """Without releases and monitors each list says what to do."""
    assert "Set `release` in your SDK's init" in cli("releases", "list").stdout
    assert cli("releases", "list", "--json").stdout == ""
    assert "/api/<project>/cron/<slug>/" in cli("monitors", "list").stdout
    gone = cli("releases", "show", "web@1")
    assert gone.exit_code == 1
    assert "equerry releases list" in gone.stderr


def test_list(redis: Redis, cli: Cli) -> None:
    """Crash-free shares and adoption by release; what nobody counted is no data."""
    visit(redis, "web@1", 10, 1)
    visit(redis, "web@2\x1b[2J", 30, 0)
    redis.zadd("{p1}:recent-releases", {"web@0": 1_000})
    redis.hset("{p1}:release:web@0", mapping={"first_ms": 1_000, "events": 3})
    done = cli("releases", "list")
    assert done.exit_code == 0
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("web ")}
    assert "90.00%" in rows["web@1"]
    assert "25.00%" in rows["web@1"]
    assert "100.00%" in rows["web@2\\u001b[2J"]
    assert rows["web@0"].count("no data") == 2
    assert "100" not in rows["web@0"]


def test_list_for_programs(redis: Redis, cli: Cli) -> None:
    """With --json each release is one object, with shares from 0 to 1 or null."""
    visit(redis, "web@1", 4, 1)
    [row] = map(json.loads, cli("releases", "list", "--json").stdout.splitlines())
    assert row["project"] == "web"
    assert (row["release"], row["sessions"], row["crashed_users"]) == ("web@1", 4, 1)
    assert (row["crash_free_sessions"], row["adoption"]) == (0.75, 1.0)


def test_show(redis: Redis, cli: Cli) -> None:
    """One release, with its users by day."""
    visit(redis, "web@1", 4, 1)
    shown = cli("releases", "show", "web@1").stdout
    assert "crash-free sessions  75.00%" in shown
    assert f"{clock.day(clock.now_ms())}           users 4, met a crash 1" in shown
    [row] = map(json.loads, cli("releases", "show", "web@1", "--json").stdout.splitlines())
    assert [day["users"] for day in row["days"]][:2] == [4, 0]


def test_what_clients_dropped_is_told(redis: Redis, cli: Cli) -> None:
    """What never left the clients is named where the releases are."""
    client_drops.write(
        redis, "p1", {("network_error", "error"): 1_234, ("sample_rate", "transaction"): 5}
    )
    shown = cli("releases", "list").stdout
    assert "1,234 error (network_error), 5 transaction (sample_rate)" in shown


def test_monitors(redis: Redis, cli: Cli) -> None:
    """Each monitor with its last status, and the schedule that it sent."""
    report = CheckInReport(
        timestamp="t",
        monitor="nightly",
        status="error",
        environment="prod",
        duration_seconds=2.5,
        config={"schedule": {"type": "crontab", "value": "0 3 * * *"}},
    )
    update = monitors.update({"nightly prod": [(report, clock.now_ms())]}, {}, 1, "web")
    monitor_store.write(redis, "p1", update.monitors)
    shown = cli("monitors", "list").stdout
    for part in ("nightly", "prod", "error", "never", "2.5 s", "0 3 * * *"):
        assert part in shown
    [row] = map(json.loads, cli("monitors", "list", "--json").stdout.splitlines())
    assert (row["project"], row["monitor"], row["status"]) == ("web", "nightly", "error")
    assert row["config"] == report.config


def test_the_narrowest_terminal(redis: Redis, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 80 columns headings and figures stand whole, however long a stranger's names are."""
    monkeypatch.setattr(tables, "PIPE_COLUMNS", 80)
    visit(redis, "web@1.4.2-" + "x" * 100, 1_000, 1)
    report = CheckInReport(timestamp="t", monitor="[bold]" + "m" * 50, status="in_progress")
    update = monitors.update({report.monitor: [(report, clock.now_ms())]}, {}, 1, "web")
    monitor_store.write(redis, "p1", update.monitors)
    for verb, whole in (
        ("releases", ("Crash-free", "sessions", "Adoption", "1,000", "99.90%")),
        ("monitors", ("[bold]", "in progress", "never", "Schedule")),
    ):
        shown = cli(verb, "list").stdout
        assert all(part in shown for part in whole)
        assert max(map(len, shown.splitlines())) <= 80
        assert len(shown.splitlines()) < 12


@pytest.mark.parametrize(
    ("share", "shown"),
    [(None, "no data"), (1.0, "100.00%"), (0.999_999, "99.99%"), (0.5, "50.00%"), (0.0, "0.00%")],
)
def test_percent(share: float | None, shown: str) -> None:
    """Only all of them is 100%, and nothing counted is never ok."""
    assert percent(share) == shown
