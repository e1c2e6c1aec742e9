"""`equerry dead`: the events that could not be processed, and what becomes of them."""

import itertools
import re
from typing import NamedTuple

import click
import msgspec
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from equerry import clock, settings_file
from equerry.cli import tables
from equerry.cli.connection import connected, scopes
from equerry.cli.printable import printable
from equerry.errors import EquerryError
from equerry.redis_client import Redis
from equerry.stream import dead as letters
from equerry.stream.entry import Entry

_ID = re.compile(r"\d+-\d+")


class Place(NamedTuple):
    """Where a letter lies."""

    scope: str
    stream_id: str


class Shown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dead letter as it is listed. died_at and received_at are RFC 3339."""

    id: str
    project: str
    died_at: str
    received_at: str
    kind: str
    event_id: str
    size_bytes: int
    deliveries: int
    payload: str | None = None


def _ids(_context: click.Context, _parameter: click.Parameter, ids: tuple[str, ...]) -> list[str]:
    for each in ids:
        if not _ID.fullmatch(each):
            raise click.BadParameter(f"{each!r} is no id; ids look like 1764000000000-0")
    return list(dict.fromkeys(ids))


_project = click.option("--project", "slug", metavar="SLUG", help="Only this project's.")
_chosen = click.argument("ids", metavar="[ID]...", nargs=-1, callback=_ids)


@click.group()
def dead() -> None:
    """List, retry or drop events that failed for good.

    An event that no worker could process dies after three deliveries. It waits here until someone
    decides; the events around it went on.
    """


@dead.command("list")
@_project
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="At most so many; 0 is all.",
)
@click.option("--show", is_flag=True, help="With the payload, secrets hidden.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(slug: str | None, limit: int, *, show: bool, as_json: bool) -> None:
    """List the dead letters, the oldest first."""
    settings = settings_file.load()
    with connected(settings) as redis:
        chosen = scopes(settings, slug)
        total = sum(letters.count(redis, scope) for scope in chosen)
        every = (
            _shown(name, entry, show=show)
            for scope, name in chosen.items()
            for entry in letters.letters(redis, scope)
        )
        rows = itertools.islice(every, limit or None)
        if as_json:
            for row in rows:
                click.echo(printable(msgspec.json.encode(row).decode()))
            return
        if not total:
            click.echo("No dead letters: every event that was taken up was processed.")
            return
        _print(list(rows), total)


@dead.command()
@_chosen
@click.option("--all", "every", is_flag=True, help="Every letter there is now.")
@_project
def retry(ids: list[str], slug: str | None, *, every: bool) -> None:
    """Put letters back into the queue: by their ids, or --all.

    Worth it after an upgrade, or once what broke them is mended. One that fails again is back here
    after three more deliveries.
    """
    settings = settings_file.load()
    with connected(settings) as redis:
        places = _places(redis, scopes(settings, slug), ids, every=every)
        done = sum(letters.retry(redis, *place) for place in places)
    click.echo(f"{_events(done)} back in the queue; the workers take them up within seconds.")


@dead.command()
@_chosen
@click.option("--all", "every", is_flag=True, help="Every letter there is now.")
@_project
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(ids: list[str], slug: str | None, *, every: bool, yes: bool) -> None:
    """Delete letters for good: by their ids, or --all."""
    settings = settings_file.load()
    with connected(settings) as redis:
        places = _places(redis, scopes(settings, slug), ids, every=every)
        if places and not yes:
            click.confirm(f"Delete {_events(len(places))} for good?", abort=True)
        done = sum(letters.drop(redis, *place) for place in places)
    click.echo(f"{_events(done)} deleted.")


def _places(redis: Redis, chosen: dict[str, str], ids: list[str], *, every: bool) -> list[Place]:
    """Return where the wanted letters lie: all of them, or none and an error."""
    if bool(ids) == every:
        raise click.UsageError("give ids (`equerry dead list` shows them) or --all")
    if every:
        return [
            Place(scope, entry.stream_id.decode())
            for scope in chosen
            for entry in letters.letters(redis, scope)
        ]
    places = []
    for each in ids:
        found = [scope for scope in chosen if letters.holds(redis, scope, each)]
        if not found:
            raise EquerryError(f"no dead letter {each}; `equerry dead list` shows what there is")
        if len(found) > 1:
            names = ", ".join(chosen[scope] for scope in found)
            raise click.UsageError(f"{each} is in several projects ({names}): add --project")
        places.append(Place(found[0], each))
    return places


def _shown(project: str, entry: Entry, *, show: bool) -> Shown:
    stream_id = entry.stream_id.decode()
    return Shown(
        id=stream_id,
        project=project,
        died_at=clock.rfc3339(int(stream_id.partition("-")[0])),
        received_at=clock.rfc3339(entry.received_ms),
        kind=entry.kind,
        event_id=entry.id,
        size_bytes=len(entry.data),
        deliveries=entry.deliveries,
        payload=entry.data.decode("utf-8", "replace") if show else None,
    )


def _print(rows: list[Shown], total: int) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("ID", "Died (UTC)", "Project", "Kind", "Event", "Bytes", "Deliveries"):
        justify: JustifyMethod = "right" if name == "Bytes" else "left"
        table.add_column(name, no_wrap=name != "Event", overflow="fold", justify=justify)
    for row in rows:
        died = row.died_at[:16].replace("T", " ")
        cells = (row.id, died, row.project, row.kind, row.event_id)
        table.add_row(*map(Text, cells), str(row.size_bytes), str(row.deliveries))
    console = tables.console()
    console.print(table)
    for row in rows:
        if row.payload is not None:
            console.print(Text(f"\n{row.id}\n{printable(row.payload)}"))
    if total > len(rows):
        click.echo(f"… and {total - len(rows)} more: -n 0 lists all.")
    click.echo("\n`equerry dead retry ID…` puts one back, `equerry dead drop ID…` deletes it.")


def _events(number: int) -> str:
    return f"{number} event{'' if number == 1 else 's'}"
