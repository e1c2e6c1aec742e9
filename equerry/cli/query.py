"""`equerry query`: SQL over the archive."""

import csv
import datetime as dt
import importlib
import io
import itertools
import sys
from typing import Any, NoReturn

import click
import msgspec
from rich.table import Table
from rich.text import Text

from equerry import clock, settings_file
from equerry.cli import tables
from equerry.cli.printable import printable
from equerry.clock import DAY_MS
from equerry.errors import QueryError

TABLE_ROWS = 1_000
_JSON = msgspec.json.Encoder(enc_hook=str, decimal_format="number")
BAD_QUERY_EXIT = 2


@click.command()
@click.argument("sql", required=False)
@click.option("--json", "form", flag_value="json", help="One JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="CSV with a header.")
@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="Read only what was written today and on the days before, so many in all.",
)
@click.pass_context
def query(context: click.Context, sql: str | None, form: str | None, days: int | None) -> None:
    """Ask the archive in SQL; it only reads.

    The dialect is DuckDB's; - reads the query from standard input. The views are errors, metrics,
    sessions, check_ins, drops, logs, feedback, alerts, jobs, issues and noise. DESCRIBE errors
    shows the columns; times are UTC, tags a MAP, extra and breadcrumbs JSON.

    \b
    Examples:
      equerry query "SELECT name, count(*) AS n FROM errors GROUP BY ALL ORDER BY n DESC LIMIT 10"
      equerry query --days 2 "SELECT received_at, message, tags['plan'] FROM errors
                              WHERE received_at > now() - INTERVAL 1 HOUR"
      equerry query --csv "SELECT name, quantile_cont(value, 0.75) AS p75 FROM metrics
                           WHERE value IS NOT NULL GROUP BY ALL" > vitals.csv
    """  # noqa: D301 - click's mark
    if sql is None:
        click.echo(context.get_help())
        return
    settings = settings_file.load()
    first_day = clock.day(clock.now_ms() - (days - 1) * DAY_MS) if days else ""
    text = sys.stdin.read() if sql == "-" else sql
    archive = _archive_query()
    try:
        with archive.ask(settings.data_path / "archive", text, first_day) as answer:
            if form == "json":
                _print_json(answer)
            elif form == "csv":
                _print_csv(answer)
            else:
                _print_table(answer)
    except QueryError as error:
        _refuse(str(error))


def _archive_query() -> Any:  # noqa: ANN401 - a module
    """Import what asks DuckDB, which is an extra: this verb's help must do without."""
    try:
        return importlib.import_module("equerry.archive.query")
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        _refuse("this needs DuckDB, an extra: pip install 'equerry[query]'")


def _refuse(problem: str) -> NoReturn:
    click.echo(f"equerry: query: {printable(problem)}", err=True)
    sys.exit(BAD_QUERY_EXIT)


def _print_json(answer: Any) -> None:  # noqa: ANN401 - equerry.archive.query.Answer
    for row in answer.rows:
        cells = zip(answer.columns, answer.types, row, strict=True)
        line = _JSON.encode({name: _value(type_, cell) for name, type_, cell in cells})
        click.echo(_shown(line.decode()))


def _print_csv(answer: Any) -> None:  # noqa: ANN401 - equerry.archive.query.Answer
    for row in itertools.chain([answer.columns], answer.rows):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(map(_cell, row))
        click.echo(_shown(line.getvalue()))


def _print_table(answer: Any) -> None:  # noqa: ANN401 - equerry.archive.query.Answer
    table = Table(box=None, pad_edge=False)
    for name in answer.columns:
        table.add_column(Text(printable(name)), overflow="fold")
    for row in itertools.islice(answer.rows, TABLE_ROWS):
        table.add_row(*(Text(printable(_cell(cell))) for cell in row))
    if not table.row_count:
        click.echo("No rows.")
        return
    tables.console().print(table)
    if next(answer.rows, None) is not None:
        click.echo(f"… and more: {TABLE_ROWS:,} rows are shown; --json and --csv give them all.")


def _shown(text: str) -> str | bytes:
    """A program gets the text as it is (click would take colours out), a terminal printable."""
    return printable(text) if sys.stdout.isatty() else text.encode("utf-8", "surrogatepass")


def _value(type_: str, cell: Any) -> Any:  # noqa: ANN401 - any value of SQL
    if type_ == "JSON" and isinstance(cell, str):
        return msgspec.Raw(cell.encode())
    return cell.replace(tzinfo=dt.UTC) if _naive(cell) else cell


def _cell(cell: Any) -> str:  # noqa: ANN401 - any value of SQL
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dict | list):
        return _JSON.encode(cell).decode()
    return cell.isoformat(" ", "milliseconds") if _naive(cell) else str(cell)


def _naive(cell: Any) -> bool:  # noqa: ANN401 - any value of SQL
    return isinstance(cell, dt.datetime) and cell.tzinfo is None
