"""Equerry's own log lines: one event name each, data in fields, ids running through."""

import io
import json
import logging

import pytest

from equerry import logs


def record(event: str, **fields: object) -> logging.LogRecord:
    """Return a record as `log.info(event, extra=fields)` makes it."""
    made = logging.makeLogRecord({"name": "n", "levelname": "INFO", "msg": event, "created": 1.5})
    vars(made).update(fields)
    return made


def test_json_lines() -> None:
    """Time, level, logger, event, then the fields, on one line."""
    line = logs.JsonFormatter().format(record("batch-committed", events=3, path="a\nb"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "logger": "n",
        "event": "batch-committed",
        "events": 3,
        "path": "a\nb",
    }


def test_terminal_lines() -> None:
    """The same for a person."""
    line = logs.TerminalFormatter().format(record("batch-committed", events=3))
    assert line == "00:00:01.500Z info    batch-committed events=3"


def test_a_batch_id_runs_through() -> None:
    """What is bound is on every line within, and on none after."""
    formatter = logs.JsonFormatter()
    with logs.bound(batch="b1"), logs.bound(request="r1"):
        inner = json.loads(formatter.format(record("x")))
    assert (inner["batch"], inner["request"]) == ("b1", "r1")
    assert "batch" not in json.loads(formatter.format(record("x")))


def test_a_traceback_stays_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON Lines stay lines, even with an exception."""
    sink = io.StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    monkeypatch.setattr("sys.stderr", sink)
    try:
        logs.configure("json")
        try:
            int("no good")
        except ValueError:
            logging.getLogger("t").exception("failed")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    [line] = sink.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]
