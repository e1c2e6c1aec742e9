import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from equerry import clock
from equerry.archive import line
from equerry.cli.readable import PARTS
from equerry.events.event import Event
from equerry.events.severity import Severity
from equerry.settings import Settings

Cli = Callable[..., Result]
RECEIVED_MS = clock.parse_ms("2026-11-23T15:04:05Z")
FOLLOW = [sys.executable, "-c", "from equerry.cli.main import main; main()", "tail", "-f"]


def encoded(kind: str, fields: dict[str, Any], **more: Any) -> bytes:
    """Return a line of the archive with these fields of its own."""
    raw = json.dumps({"timestamp": "2026-11-23T15:04:05.000Z", **fields}, ensure_ascii=False)
    event = {"stream_id": "1-0", "id": "ab" * 16, "project": 1, **more}
    return line.encode(Event(kind=kind, raw=raw.encode(), received_ms=RECEIVED_MS, **event))


def write(settings: Settings, kind: str, *rows: bytes) -> Path:
    """Append to this hour's segment."""
    now_ms = clock.now_ms()
    folder = settings.data_path / "archive" / kind / clock.day(now_ms)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{clock.hour(now_ms)[11:]}-n-1.jsonl"
    with path.open("ab") as file:
        file.write(b"".join(rows))
    return path


@pytest.mark.parametrize(
    ("kind", "row", "expected"),
    [
        (
            "errors",
            encoded(
                "errors",
                {
                    "message": "no card\nat pay",
                    "name": "TypeError",
                    "component": "Pay",
                    "url": "/p",
                },
                severity=Severity.HIGH,
                fingerprint="f",
            ),
            "high      web  TypeError: no card  Pay  /p",
        ),
        (
            "noise",
            encoded("noise", {"message": "x"}, noise="extension", severity=Severity.LOW, project=9),
            "extension  9  x",
        ),
        (
            "metrics",
            encoded(
                "metrics",
                {"name": "LCP", "value": 1234.5, "rating": "good", "navigationURL": "/a"},
                severity=Severity.LOW,
            ),
            "good      web  LCP 1234.5  /a",
        ),
        (
            "metrics",
            encoded("metrics", {"event": "search", "duration": 12.0, "component": "Box"}),
            "          web  search  12 ms  Box",
        ),
        (
            "sessions",
            encoded(
                "sessions",
                {"release": "web@1.2", "environment": "production", "started": 3, "crashed": 1},
            ),
            "crashed   web  web@1.2  production  started=3 crashed=1",
        ),
        (
            "sessions",
            encoded("sessions", {"release": "web@1.2", "started": 1, "visit": "f7"}),
            "ok        web  web@1.2  f7  started=1",
        ),
        (
            "check-ins",
            encoded(
                "check-ins", {"monitor": "nightly", "status": "error", "duration_seconds": 1.5}
            ),
            "error     web  nightly  1.5 s",
        ),
        (
            "drops",
            encoded("drops", {"reason": "sample_rate", "category": "error", "quantity": 4}),
            "          web  4 error  sample_rate",
        ),
        (
            "logs",
            encoded("logs", {"message": "no pears\nleft", "level": "warn"}),
            r"warn      web  no pears\nleft",
        ),
        (
            "feedback",
            encoded("feedback", {"message": "it hangs", "name": "Ann", "url": "/pay"}),
            "          web  it hangs  Ann  /pay",
        ),
        (
            "alerts",
            encoded(
                "alerts",
                {
                    "what": "attempt-failed",
                    "title": "TypeError: no card",
                    "channel": "slack",
                    "attempt": 2,
                    "detail": "429",
                },
            ),
            "          web  attempt-failed  slack  attempt 2  TypeError: no card  429",
        ),
        (
            "alerts",
            encoded("alerts", {"what": "first", "title": "x", "alert_severity": "critical"}),
            "critical  web  first  x",
        ),
        (
            "jobs",
            encoded(
                "jobs",
                {
                    "job": "retention",
                    "slot": "s",
                    "result": "ok",
                    "duration_ms": 7,
                    "summary": {"closed": 3},
                },
                project=0,
            ),
            "ok        site  retention  7 ms  closed=3",
        ),
    ],
)
def test_readable(settings: Settings, cli: Cli, kind: str, row: bytes, expected: str) -> None:
    """Each kind has its line; a pipe gets no colours."""
    write(settings, kind, row)
    done = cli("tail", kind)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"2026-11-23 15:04:05  {expected}\n"


def test_the_last_ones(settings: Settings, cli: Cli) -> None:
    """Twenty, or as many as asked for."""
    rows = [encoded("errors", {"message": f"m{n}"}, stream_id=f"{n}-0") for n in range(30)]
    write(settings, "errors", *rows)
    assert [text.split()[-1] for text in cli("tail", "errors").stdout.splitlines()] == [
        f"m{number}" for number in range(10, 30)
    ]
    assert cli("tail", "errors", "-n", "1").stdout.endswith("m29\n")
    assert cli("tail", "errors", "-n", "0").stdout == ""


def test_json(settings: Settings, cli: Cli) -> None:
    """With --json the lines are the archive's, byte for byte."""
    row = encoded("errors", {"message": "\u009b31m é"})
    write(settings, "errors", row)
    assert cli("tail", "errors", "--json").stdout_bytes == row


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\u009b2J", "\u202eevil", "\r\x08hidden"])
def test_strangers_do_not_steer_the_terminal(settings: Settings, cli: Cli, text: str) -> None:
    """Whatever field it is in, what steers a terminal is shown escaped."""
    fields = {"message": text, "name": text, "component": text, "url": text}
    write(settings, "errors", encoded("errors", fields, severity=Severity.LOW))
    write(settings, "errors", f'{{"_id":"2-0" damaged {text}\n'.encode())
    shown = cli("tail", "errors").stdout
    assert shown.replace("\n", "").isprintable()
    assert "\\" in shown


def test_nothing_yet(settings: Settings, cli: Cli) -> None:
    """An empty archive says where it looked and what to do; it is no fault."""
    done = cli("tail", "errors")
    assert (done.exit_code, done.stdout) == (0, "")
    assert str(settings.data_path / "archive") in done.stderr
    assert "curl" in done.stderr


def test_unknown_kind(cli: Cli) -> None:
    """An unknown kind is bad usage that names the known ones."""
    done = cli("tail", "nonsense")
    assert done.exit_code == 2
    for kind in PARTS:
        assert f"'{kind}'" in done.stderr


@pytest.mark.usefixtures("cli")
def test_follow(settings: Settings) -> None:
    """-f shows what comes, and Ctrl-C ends it as asked."""
    write(settings, "errors", encoded("errors", {"message": "before"}))
    process = subprocess.Popen([*FOLLOW, "errors"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().endswith("before\n")
        time.sleep(0.1)
        write(settings, "errors", encoded("errors", {"message": "after"}, stream_id="2-0"))
        assert process.stdout.readline().endswith("after\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout.read() == ""
