"""`equerry monitors`: the scheduled jobs elsewhere that check in here."""

import click
import msgspec
from rich.table import Table
from rich.text import Text

from equerry import clock, settings_file
from equerry.cli import tables
from equerry.cli.connection import connected, projects
from equerry.cli.printable import printable
from equerry.health import monitors as health_monitors
from equerry.health import monitors_view
from equerry.health.monitors_view import Seen

COLOURS = {"ok": "green", "error": "red", "in_progress": "cyan"}
NONE_YET = (
    "No monitor has checked in yet. Have a job ask for /api/<project>/cron/<slug>/ when it ends, or"
    " use your SDK's cron integration."
)


@click.group()
def monitors() -> None:
    """Show the scheduled jobs that check in, and how they ended last."""


@monitors.command("list")
@click.option("--project", "slug", help="Only this project's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(slug: str | None, *, as_json: bool) -> None:
    """List the monitors with their last status, when that was, how long it took, and the schedule.

    A run that should have come and did not is not noticed yet: look at when it was last seen.
    """
    settings = settings_file.load()
    with connected(settings) as redis:
        rows = [
            (name, seen)
            for scope, name in projects(settings, slug).items()
            for seen in monitors_view.every(redis, scope)
        ]
    if as_json:
        for name, seen in rows:
            row = {"project": name} | msgspec.to_builtins(seen)
            click.echo(printable(msgspec.json.encode(row).decode()))
    elif rows:
        _print(rows, clock.now_ms())
    else:
        click.echo(NONE_YET)


def _print(rows: list[tuple[str, Seen]], now_ms: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("Project", "Monitor"):
        table.add_column(name, overflow="fold")
    table.add_column("Status", no_wrap=True)
    for name in ("For", "Seen\nago", "Ok\nago", "Took"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("Schedule", overflow="fold")
    for project, seen in rows:
        table.add_row(
            project,
            tables.name(health_monitors.name(seen.monitor, seen.environment)),
            Text(seen.status.replace("_", " "), style=COLOURS.get(seen.status, "")),
            tables.ago(seen.since, now_ms),
            tables.ago(seen.last_seen, now_ms),
            tables.ago(seen.last_ok, now_ms) if seen.last_ok else "never",
            "" if seen.duration_seconds is None else f"{seen.duration_seconds:.3g} s",
            Text(printable(seen.schedule)),
        )
    tables.console().print(table)
