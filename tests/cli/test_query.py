import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from click.testing import Result

from equerry import clock
from equerry.alerts import audit
from equerry.archive import line
from equerry.archive.columns import COLUMNS, view
from equerry.events.event import Event
from equerry.events.report import (
    CheckInReport,
    DropReport,
    ErrorReport,
    FeedbackReport,
    LogReport,
    MetricReport,
    SessionReport,
)
from equerry.events.severity import Severity
from equerry.settings import Settings
from workers.jobs import ledger

Cli = Callable[..., Result]
RECEIVED_MS = clock.parse_ms("2026-11-23T15:04:05.678Z")


def encoded(stream_id: str = "1-0", project: int = 1, **fields: Any) -> bytes:
    """Return an error's line with these fields."""
    raw = json.dumps({"timestamp": "2026-11-23T15:04:05Z", "message": "x", **fields})
    return line.encode(
        Event(
            stream_id=stream_id,
            id="ab" * 16,
            kind="errors",
            project=project,
            received_ms=RECEIVED_MS,
            raw=raw.encode(),
            severity=Severity.HIGH,
            severity_reason="unhandled",
            fingerprint="f",
        )
    )


def write(settings: Settings, name: str, data: bytes, kind: str = "errors") -> Path:
    """Write a segment, compressed where its name says so."""
    path = settings.data_path / "archive" / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress(data) if name.endswith(".zst") else data)
    return path


def rows(done: Result) -> list[dict[str, Any]]:
    """Return what --json printed."""
    assert done.exit_code == 0, done.stderr
    return [json.loads(text) for text in done.stdout.splitlines()]


def test_help_without_sql(cli: Cli) -> None:
    """Without a query it explains itself, with three examples."""
    done = cli("query")
    assert done.exit_code == 0
    assert done.stdout.count("\n    equerry query ") == 3


def test_open_and_closed(settings: Settings, cli: Cli) -> None:
    """Compressed and growing segments are one view; torn lines and repeats are not in it."""
    write(settings, "2026-11-22/10-n-1.jsonl.zst", encoded("1-0") + encoded("2-0"))
    write(settings, "2026-11-23/10-n-1.jsonl", encoded("2-0") + encoded("3-0", project=2))
    write(settings, "2026-11-23/10-n-2.jsonl", encoded("3-0") + b"damaged\n" + encoded()[:40])
    found = rows(cli("query", "SELECT _id, project FROM errors ORDER BY ALL", "--json"))
    assert [(row["_id"], row["project"]) for row in found] == [
        ("1-0", 1),
        ("2-0", 1),
        ("3-0", 1),
        ("3-0", 2),
    ]


def test_killed_while_closing(settings: Settings, cli: Cli) -> None:
    """A segment that is there both open and compressed counts once."""
    write(settings, "2026-11-22/10-n-1.jsonl.zst", encoded("1-0"))
    write(settings, "2026-11-22/10-n-1.jsonl", encoded("1-0"))
    assert rows(cli("query", "SELECT count(*) AS n FROM errors", "--json")) == [{"n": 1}]


def test_types(settings: Settings, cli: Cli) -> None:
    """Times are times, tags can be asked by name, extra is JSON; NUL and quotes are but text."""
    write(
        settings,
        "2026-11-23/10-n-1.jsonl",
        encoded(
            message='it\'s \0 "x"', tags={"plan": "pro"}, extra={"a": [1, {"b": 2}]}, handled=False
        ),
    )
    sql = (
        "SELECT received_at, timestamp + INTERVAL 1 HOUR AS later, tags['plan'] AS plan, tags,"
        " extra, extra->'a'->1->>'b' AS b, handled, message, stack FROM errors"
        " WHERE received_at > TIMESTAMP '2026-11-23 15:04:05' AND severity = 'high'"
    )
    assert rows(cli("query", sql, "--json")) == [
        {
            "received_at": "2026-11-23T15:04:05.678000Z",
            "later": "2026-11-23T16:04:05Z",
            "plan": "pro",
            "tags": {"plan": "pro"},
            "extra": {"a": [1, {"b": 2}]},
            "b": "2",
            "handled": False,
            "message": 'it\'s \0 "x"',
            "stack": None,
        }
    ]


def test_now_is_utc(settings: Settings, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last hour is the last hour, whatever the operator's zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    now_ms = clock.now_ms()
    write(settings, "2026-11-23/10-n-1.jsonl", b"")
    fresh = encoded().replace(clock.rfc3339(RECEIVED_MS).encode(), clock.rfc3339(now_ms).encode())
    write(settings, "2026-11-23/10-n-2.jsonl", fresh)
    sql = "SELECT count(*) AS n FROM errors WHERE received_at > now() - INTERVAL 1 MINUTE"
    assert rows(cli("query", sql, "--json")) == [{"n": 1}]


def test_empty_views(settings: Settings, cli: Cli) -> None:
    """Without a segment every view is there, empty, with the columns that it has with one."""
    for kind in COLUMNS:
        done = cli("query", f"FROM {view(kind)}")
        assert (done.exit_code, done.stdout) == (0, "No rows.\n")
        before = cli("query", f"DESCRIBE {view(kind)}", "--json").stdout
        write(settings, "2026-11-23/10-n-1.jsonl", b"", kind)
        assert cli("query", f"DESCRIBE {view(kind)}", "--json").stdout == before


@pytest.mark.parametrize(
    ("kind", "struct"),
    [
        ("errors", ErrorReport),
        ("noise", ErrorReport),
        ("metrics", MetricReport),
        ("sessions", SessionReport),
        ("check-ins", CheckInReport),
        ("drops", DropReport),
        ("logs", LogReport),
        ("feedback", FeedbackReport),
        ("alerts", audit.Line),
        ("jobs", ledger.Run),
    ],
)
def test_every_field_has_a_column(kind: str, struct: type[msgspec.Struct]) -> None:
    """What the archive holds can be asked for: a new field needs a column here."""
    fields = {field.encode_name for field in msgspec.structs.fields(struct)}
    envelope = set(json.loads(encoded())) - {"message"} | {"noise"}
    assert fields <= set(COLUMNS[kind]) <= fields | envelope


def test_days(settings: Settings, cli: Cli) -> None:
    """--days reads only the newest folders."""
    today = clock.now_ms()
    for ago in range(3):
        day = clock.day(today - ago * 86_400_000)
        write(settings, f"{day}/10-n-1.jsonl", encoded(f"{ago}-0"))
    sql = "SELECT _id FROM errors ORDER BY _id"
    assert [row["_id"] for row in rows(cli("query", sql, "--json", "--days", "2"))] == [
        "0-0",
        "1-0",
    ]


def test_forms(settings: Settings, cli: Cli) -> None:
    """A table for a person, with nothing that steers the terminal; CSV as programs read it."""
    write(settings, "2026-11-23/10-n-1.jsonl", encoded(message='\x1b[31m[red]a,"b"\n', url="/u"))
    sql = "SELECT message, url, stack, tags FROM errors"
    shown = cli("query", sql).stdout
    assert r"\u001b[31m[red]a,\"b\"\n".replace(r"\"", '"') in shown
    assert "\x1b" not in shown
    assert [name in shown for name in ("message", "url", "stack")] == [True] * 3
    [head, row] = csv.reader(cli("query", sql, "--csv").stdout.splitlines(keepends=True))
    assert head == ["message", "url", "stack", "tags"]
    assert row == ['\x1b[31m[red]a,"b"\n', "/u", "", ""]


def test_a_long_table_is_cut(cli: Cli) -> None:
    """The table says so when it does not show all; for programs nothing is cut."""
    assert "1,000 rows are shown" in cli("query", "SELECT * FROM range(1001)").stdout
    assert "rows are shown" not in cli("query", "SELECT * FROM range(1000)").stdout
    assert len(rows(cli("query", "SELECT * FROM range(2500)", "--json"))) == 2500


def test_standard_input(cli: Cli) -> None:
    """- takes the query from standard input."""
    done = cli("query", "-", "--csv", input="SELECT 'é;' AS a; ;\n-- that is all;\n")
    assert done.stdout == "a\né;\n"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nope FROM errors", '"nope" not found'),
        ("SELECT * FROM nope", "nope does not exist"),
        ("SELECT 'x'::INTEGER", "Could not convert string"),
        ("SELECT CAST(message AS INTEGER) FROM errors", "Could not convert string"),
        ("", "a query is one SELECT"),
        ("SELECT 1; SELECT 2", "a query is one SELECT"),
        ("CREATE TABLE t (a INTEGER)", "a query is one SELECT"),
        ("COPY (SELECT 1) TO '{root}/x.csv'", "a query is one SELECT"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO '{root}/x.csv'", "a query is one SELECT"),
        ("ATTACH '{root}/x.db'", "a query is one SELECT"),
        ("SET memory_limit = '9GB'", "a query is one SELECT"),
        ("INSTALL httpfs", "a query is one SELECT"),
        ("WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x", "only reads"),
        ("WITH x AS (COPY (SELECT 1) TO '{root}/x.csv') FROM x -- )", "only reads"),
        ("FROM query('COPY (SELECT 1) TO ''{root}/x.csv''')", "single SELECT"),
        ("FROM query('WITH x AS (COPY (SELECT 1) TO ''{root}/x.csv'') FROM x')", "only reads"),
        ("SELECT * FROM read_text('/etc/passwd')", "disabled by configuration"),
        ("SELECT * FROM read_text('{root}/../../equerry.toml')", "disabled by configuration"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM glob('/etc/*')", "disabled by configuration"),
        ("SELECT * FROM settings", "settings does not exist"),
    ],
)
def test_refused(settings: Settings, cli: Cli, sql: str, said: str) -> None:
    """What is wrong, and what would write or look elsewhere, is one line and exit code 2."""
    segment = write(settings, "2026-11-23/10-n-1.jsonl", encoded())
    root = settings.data_path / "archive"
    done = cli("query", sql.format(root=root))
    assert done.exit_code == 2
    [text] = done.stderr.splitlines()
    assert text.startswith("equerry: query: ")
    assert said in text
    assert [path for path in root.rglob("*") if path.is_file()] == [segment]


def test_odd_folder(settings: Settings, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes and brackets in the data directory's name are but a name."""
    odd = msgspec.structs.replace(settings, data_dir=f"{settings.data_dir}/it's [x] *")
    monkeypatch.setenv("EQUERRY_DATA_DIR", odd.data_dir)
    write(odd, "2026-11-23/10-n-1.jsonl", encoded())
    assert rows(cli("query", "SELECT _id FROM errors", "--json")) == [{"_id": "1-0"}]


def test_more_than_memory_holds(
    settings: Settings, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A query beyond its memory goes by way of temporary files, and leaves none."""
    from equerry.archive import query  # noqa: PLC0415 - DuckDB is loaded for this alone

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(query, "MEMORY", "60MB")
    write(settings, "2026-11-23/10-n-1.jsonl", encoded())
    sql = (
        "SELECT count(*) AS n FROM (SELECT DISTINCT range, repeat('x', 200) || range AS s"
        " FROM range(400000) ORDER BY s OFFSET 0)"
    )
    assert rows(cli("query", sql, "--json")) == [{"n": 400000}]
    assert os.listdir(folder) == []  # noqa: PTH208


def test_without_duckdb(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the verb says how to install it; its help works all the same."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "equerry.archive.query", raising=False)
    done = cli("query", "SELECT 1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pip install 'equerry[query]'" in done.stderr
    assert cli("query").exit_code == 0
