"""SQL over the archive, by DuckDB: a view per kind, over open and closed segments alike.

A query only reads. What keeps it so, each for itself: one SELECT and no other statement; a WITH
that writes is refused; no file outside of the archive's folder can be opened; the configuration is
locked before the query is looked at. Limits: DuckDB has no switch that makes a folder read-only,
and a query may use a gigabyte of memory and four of temporary disk.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from equerry import clock
from equerry.archive import holding
from equerry.archive.columns import COLUMNS, view
from equerry.archive.read import Segment
from equerry.errors import QueryError

# Beside a site that runs on the same machine.
MEMORY = "1GB"
TEMPORARY = "4GB"
ROWS_AT_ONCE = 1_000

READS = "one SELECT (or FROM, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES)"


class Answer(NamedTuple):
    """A query's answer. types: each column's, as DuckDB spells it."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


@contextmanager
def ask(root: Path, sql: str, first_day: str = "") -> Iterator[Answer]:
    """Run one query over the segments written on first_day (`YYYY-MM-DD`) or later.

    Raises QueryError, also while the rows are read.
    """
    with ExitStack() as ends:
        temporary = ends.enter_context(tempfile.TemporaryDirectory(prefix="equerry-query-"))
        segments = ends.enter_context(holding.held(root, clock.now_ms()))
        chosen = [segment for segment in segments if segment.day >= first_day]
        try:
            connection = ends.enter_context(contextlib.closing(_connect(temporary)))
            _prepare(connection, root, chosen)
            _check(connection, sql)
            found = connection.execute(sql)
        except duckdb.Error as error:
            raise QueryError(_line(error)) from error
        yield _answer(found)


def _answer(found: Any) -> Answer:  # noqa: ANN401 - duckdb's own
    names, types = zip(*((name, str(type_)) for name, type_, *_ in found.description), strict=True)
    return Answer(names, types, _rows(found))


def _rows(found: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - duckdb's own
    try:
        while some := found.fetchmany(ROWS_AT_ONCE):
            yield from some
    except duckdb.Error as error:
        raise QueryError(_line(error)) from error


def _connect(temporary: str) -> Any:  # noqa: ANN401 - duckdb's own
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY,
            "temp_directory": temporary,
            "max_temp_directory_size": TEMPORARY,
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _prepare(connection: Any, root: Path, segments: list[Segment]) -> None:  # noqa: ANN401
    for kind in COLUMNS:
        connection.execute(_view(kind, [each.path for each in segments if each.kind == kind]))
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_directories = [{_quoted(str(root))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _view(kind: str, paths: list[Path]) -> str:
    """Return the statement that makes a kind's view: no segments, no rows, the same columns.

    A line that is no JSON, as the last one of a segment that grows, reads as NULLs. Lines of one
    `_id` and project are one event.
    """
    columns = COLUMNS[kind]
    if not paths:
        none = ", ".join(f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in columns.items())
        return f'CREATE VIEW "{view(kind)}" AS SELECT {none} WHERE false'
    files = ", ".join(_quoted(str(path)) for path in paths)
    types = ", ".join(f"{_quoted(name)}: {_quoted(type_)}" for name, type_ in columns.items())
    source = (
        f"read_json([{files}], columns = {{{types}}},"
        " format = 'newline_delimited', ignore_errors = true)"
    )
    return (
        f'CREATE VIEW "{view(kind)}" AS SELECT DISTINCT ON (project, _id) * FROM {source}'  # noqa: S608
        " WHERE _id IS NOT NULL"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _check(connection: Any, sql: str) -> None:  # noqa: ANN401 - duckdb's own
    """Refuse what is not one query that only reads. Raises QueryError or a duckdb error.

    DuckDB lets a SELECT begin with `WITH x AS (COPY …)`, but at the top level only: what can be
    planned as a subquery writes nothing.
    """
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError(f"a query is {READS}")
    try:
        connection.execute(f"EXPLAIN SELECT * FROM (\n{_without_end(sql)}\n)")  # noqa: S608
    except duckdb.BinderException as error:
        if "must be at the top level" in str(error):
            raise QueryError("a query only reads, and this one would write") from error
        raise


def _without_end(sql: str) -> str:
    """Return the query up to its closing semicolons; a comment after them goes too."""
    text = sql.encode()
    for offset, what in reversed(duckdb.tokenize(sql)):
        if what == duckdb.token_type.operator and text[offset : offset + 1] == b";":
            text = text[:offset]
        elif what != duckdb.token_type.comment:
            break
    return text.decode()


def _line(error: Exception) -> str:
    """Return what DuckDB says, without the picture of where."""
    lines = str(error).partition("\n\nLINE ")[0].splitlines()
    return " ".join(line.strip() for line in lines if line.strip())
