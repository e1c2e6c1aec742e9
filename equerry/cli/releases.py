"""`equerry releases`: how the releases fare."""

import click
import msgspec
from rich.table import Table

from equerry import clock, settings_file
from equerry.cli import tables
from equerry.cli.connection import connected, projects
from equerry.cli.printable import printable
from equerry.errors import EquerryError
from equerry.health import client_drops, releases_view
from equerry.health.releases_view import Day, Release

SHARES = ("Crash-free\nsessions", "Crash-free\nusers", "Adoption\n24 h")
# What is rounded must not say that nothing crashed where something did.
MOST_BELOW_ALL = 0.9999
NONE_YET = (
    'No release was seen yet. Set `release` in your SDK\'s init, e.g. release: "web@1.4.2", and'
    " this shows its sessions, crashes and users."
)

_project = click.option("--project", "slug", help="Only this project's.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


class Shown(msgspec.Struct, frozen=True):
    """A release of a project; days: only where one release is shown."""

    project: str
    health: Release
    days: list[Day] = []

    def encode(self) -> str:
        """Return one flat JSON object."""
        row = {"project": self.project} | msgspec.to_builtins(self.health)
        if self.days:
            row["days"] = msgspec.to_builtins(self.days)
        return printable(msgspec.json.encode(row).decode())


@click.group()
def releases() -> None:
    """Show how many sessions and users of each release went without a crash.

    Sessions come from SDKs that report them (`session` and `sessions` items); events are errors.
    """


@releases.command("list")
@_project
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000),
    default=20,
    show_default=True,
    help="At most so many of a project.",
)
@_json
def list_(slug: str | None, limit: int, *, as_json: bool) -> None:
    """List the releases seen last, the newest first, and what clients dropped themselves."""
    settings = settings_file.load()
    now_ms = clock.now_ms()
    with connected(settings) as redis:
        places = projects(settings, slug)
        dropped = {name: client_drops.read(redis, scope) for scope, name in places.items()}
        rows = [
            Shown(name, health)
            for scope, name in places.items()
            for health in releases_view.newest(redis, scope, now_ms, limit)
        ]
    if as_json:
        for row in rows:
            click.echo(row.encode())
        return
    if rows:
        _print(rows, now_ms)
    else:
        click.echo(NONE_YET)
    for name, counts in dropped.items():
        _tell_dropped(name, counts)


@releases.command()
@click.argument("release")
@_project
@_json
def show(release: str, slug: str | None, *, as_json: bool) -> None:
    """Show one release, in every project that saw it, with its users by day."""
    settings = settings_file.load()
    now_ms = clock.now_ms()
    with connected(settings) as redis:
        rows = [
            Shown(name, health, releases_view.days(redis, scope, now_ms, release))
            for scope, name in projects(settings, slug).items()
            if (health := releases_view.one(redis, scope, now_ms, release))
        ]
    if not rows:
        raise EquerryError(
            f"no release {printable(release)!r}; `equerry releases list` shows what there is"
        )
    for row in rows:
        click.echo(row.encode() if as_json else _described(row))


def _print(rows: list[Shown], now_ms: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("Project", "Release"):
        table.add_column(name, overflow="fold")
    for name in ("Seen\nago", "Events", "Sessions", *SHARES):
        table.add_column(name, no_wrap=True, justify="right")
    for project, health in ((row.project, row.health) for row in rows):
        table.add_row(
            project,
            tables.name(health.release),
            tables.ago(health.last_seen, now_ms),
            f"{health.events:,}",
            f"{health.sessions:,}",
            percent(health.crash_free_sessions),
            percent(health.crash_free_users),
            percent(health.adoption),
        )
    tables.console().print(table)
    if not any(row.health.sessions for row in rows):
        click.echo("\nNo sessions were reported: without them nobody knows the crash-free share.")


def _tell_dropped(project: str, counts: dict[tuple[str, str], int]) -> None:
    if counts:
        most = sorted(counts.items(), key=lambda item: -item[1])
        each = ", ".join(f"{number:,} {what} ({why})" for (why, what), number in most)
        click.echo(f"\nDropped by the clients of {project} themselves: {each}.")


def _described(row: Shown) -> str:
    health = row.health
    lines = [
        f"{printable(health.release)}  ({row.project})",
        f"  first seen           {_minute(health.first_seen)} UTC",
        f"  last seen            {_minute(health.last_seen)} UTC",
        f"  events               {health.events:,}",
        f"  sessions             {health.sessions:,}, of which {_went(health)}",
        f"  crash-free sessions  {percent(health.crash_free_sessions)}",
        f"  crash-free users     {percent(health.crash_free_users)} of {health.users:,} users",
        f"  adoption             {percent(health.adoption)} of the sessions of the last 24 h",
    ]
    lines += [
        f"  {day.day}           users {day.users:,}, met a crash {day.crashed_users:,}"
        for day in row.days
        if day.users
    ]
    return "\n".join(lines)


def _went(health: Release) -> str:
    return f"crashed {health.crashed:,}, errored {health.errored:,}, abnormal {health.abnormal:,}"


def percent(share: float | None) -> str:
    """Return e.g. `99.97%`, never 100% for less; a share of nothing is no data, and never ok."""
    if share is None:
        return "no data"
    return f"{share if share == 1 else min(share, MOST_BELOW_ALL):.2%}"


def _minute(rfc3339: str) -> str:
    return rfc3339[:16].replace("T", " ")
