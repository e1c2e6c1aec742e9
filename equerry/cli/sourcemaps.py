"""`equerry sourcemaps`: upload a build's source maps, list them, say why a file stays minified."""

import datetime as dt
import re
import sqlite3
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from equerry import clock, settings_file
from equerry.cli import tables
from equerry.cli.printable import printable
from equerry.errors import EquerryError, SettingsError
from equerry.settings import Project, Settings
from equerry.source_maps import bundle, folder, index
from equerry.source_maps import inject as injecting
from equerry.source_maps.artefact import Artefact, Incoming
from equerry.source_maps.folder import LeftOut
from equerry.source_maps.locate import Wanted
from equerry.source_maps.maps import Maps
from equerry.source_maps.position import MAX_POSITION, Original, Outcome, Position
from equerry.source_maps.store import FOLDER, Store, Upload

LEFT_OUT_SHOWN = 20
_POSITION = re.compile(r"([1-9][0-9]{0,9}):([1-9][0-9]{0,9})")


class Explained(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was looked for, and what came of it."""

    outcome: Outcome
    looked_for: tuple[str, ...] = ()
    source_map: str = ""
    detail: str = ""
    original: Original | None = None


@click.group()
def sourcemaps() -> None:
    """Make minified stacks readable: the source maps of builds."""


_PROJECT = click.option("--project", "slug", help="Its slug; needed where there are several.")
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, one object a line.")


@sourcemaps.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--release", default="", help="The release that the build is, as events name it.")
@click.option("--dist", default="", help="The build of the release, where events name one.")
@click.option(
    "--url-prefix",
    "prefix",
    default="~/",
    show_default=True,
    help="What DIRECTORY is in a browser's URLs; `~` stands for any origin.",
)
@_PROJECT
@_JSON
def upload(
    directory: Path, release: str, dist: str, prefix: str, slug: str | None, *, as_json: bool
) -> None:
    """Keep the scripts below DIRECTORY that name a source map, with their maps.

    Debug ids that a build or `sentry-cli sourcemaps inject` noted in the files are taken over; files
    without one are found by release and URL. Without a release, debug ids are needed.
    """  # noqa: E501
    settings = settings_file.load()
    project = chosen(settings, slug)
    to = Upload(
        bundle.checked(release, "--release"), bundle.checked(dist, "--dist"), clock.now_ms()
    )
    incoming, left_out = folder.read(directory.resolve(), prefix)
    store = Store(settings.data_path / FOLDER, project.id)
    kept = _add(store, incoming, to, settings) if incoming else []
    if as_json:
        for row in kept:
            click.echo(msgspec.json.encode(row))
        _left_out_as_json(left_out)
    else:
        _show(kept, left_out, directory.resolve())
    if not kept:
        click.echo("equerry: sourcemaps: nothing was kept", err=True)
        sys.exit(1)


@sourcemaps.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_JSON
def inject(directory: Path, *, as_json: bool) -> None:
    """Write debug ids into the scripts below DIRECTORY that have maps, and into the maps.

    Then neither release nor URL need to match. Do it after the build and before the upload, and
    before integrity hashes are made; deploy what was injected.
    """
    try:
        done, left_out = injecting.inject(directory.resolve())
    except OSError as error:
        raise EquerryError(f"{directory}: {error.strerror}") from error
    if as_json:
        for each in done:
            row = {"script": str(each.path), "debug_id": each.debug_id, "new": not each.was_there}
            click.echo(msgspec.json.encode(row))
        _left_out_as_json(left_out)
        return
    for each in done:
        name = printable(str(each.path.relative_to(directory.resolve())))
        click.echo(f"{each.debug_id}  {name}{'  (it had one)' if each.was_there else ''}")
    for left in left_out[:LEFT_OUT_SHOWN]:
        name = printable(str(left.path.relative_to(directory.resolve())))
        click.echo(f"left out: {name}: {printable(left.why)}")
    click.echo(f"{len(done):,} scripts have debug ids, {len(left_out):,} left out")


@sourcemaps.command("list")
@_PROJECT
@_JSON
def list_(slug: str | None, *, as_json: bool) -> None:
    """List the uploads of a project, the newest first."""
    settings = settings_file.load()
    store = Store(settings.data_path / FOLDER, chosen(settings, slug).id)
    uploads = _uploads(store)
    if as_json:
        for each in uploads:
            click.echo(msgspec.json.encode(each))
        return
    if not uploads:
        click.echo("No source maps yet: `equerry sourcemaps upload DIR --release R`.")
        return
    table = _table("Release", "Dist", "Uploaded", "Files", "Bytes", "Debug ids")
    for each in uploads:
        at = dt.datetime.fromtimestamp(each.uploaded_ms / 1000, dt.UTC)
        table.add_row(
            printable(each.release) or "(none)",
            printable(each.dist),
            f"{at:%Y-%m-%d %H:%M}",
            f"{each.files:,}",
            f"{each.size_bytes:,}",
            f"{each.debug_ids:,}",
        )
    _print(table)


@sourcemaps.command()
@click.argument("url")
@click.option("--release", default="", help="The event's release.")
@click.option("--dist", default="", help="The event's dist.")
@click.option("--debug-id", "debug_id", default="", help="The file's debug id in the event.")
@click.option("--at", metavar="LINE:COLUMN", default="1:1", help="A frame's position.")
@_PROJECT
@_JSON
def explain(
    url: str,
    release: str,
    dist: str,
    debug_id: str,
    at: str,
    slug: str | None,
    *,
    as_json: bool,
) -> None:
    """Say what is looked for to resolve frames of the script at URL, and what comes of it.

    Exit code 1: it is not resolved.
    """
    position = _position(at)
    settings = settings_file.load()
    project = chosen(settings, slug)
    told = _explained(settings, project, Wanted(url, debug_id, release, dist), position)
    if as_json:
        click.echo(msgspec.json.encode(told))
    else:
        _say(told)
    if told.outcome is not Outcome.RESOLVED:
        sys.exit(1)


def _position(at: str) -> Position:
    """Return line and column, as a frame has them. Raises click.BadParameter."""
    if found := _POSITION.fullmatch(at):
        position = int(found[1]), int(found[2])
        if max(position) < MAX_POSITION:
            return position
    raise click.BadParameter("takes LINE:COLUMN, from 1, e.g. 1:2345", param_hint="--at")


def _uploads(store: Store) -> list[index.Kept]:
    if not store.index_path.exists():
        return []
    try:
        with index.connected(store.index_path) as connection:
            return index.uploads(connection)
    except sqlite3.Error as error:
        raise EquerryError(f"{store.index_path}: {error}") from error


def chosen(settings: Settings, slug: str | None) -> Project:
    """Return the project of this slug, or the only one. Raises SettingsError."""
    found = [each for each in settings.projects if slug in {None, each.slug}]
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.slug for each in settings.projects) or "none"
    if slug is None:
        raise SettingsError(f"--project is needed; the projects are: {known}")
    raise SettingsError(f"there is no project {slug!r}; the projects are: {known}")


def _add(
    store: Store, incoming: list[Incoming], upload: Upload, settings: Settings
) -> list[Artefact]:
    """Keep the files, with a bar on a terminal."""
    columns = TextColumn("Uploading"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        files = progress.track(incoming, total=len(incoming))
        try:
            return store.add(files, upload, settings.source_maps)
        except OSError as error:
            raise EquerryError(f"{store.folder}: {error.strerror}") from error


def _explained(
    settings: Settings, project: Project, wanted: Wanted, at: tuple[int, int]
) -> Explained:
    maps = Maps(settings.data_path)
    try:
        kept = maps.project(project.id)
        if kept is None:
            return Explained(
                Outcome.NOTHING_FOR_RELEASE, detail=f"nothing was uploaded for {project.slug}"
            )
        found = kept.locate(wanted)
        if found.outcome is not Outcome.RESOLVED:
            return Explained(found.outcome, found.looked_for, detail=found.detail)
        answer = kept.read(found, wanted, (at,))
        original = answer.originals[0] if answer.originals else None
        outcome = answer.outcome
        if outcome is Outcome.RESOLVED and original is None:
            outcome = Outcome.NOT_IN_MAP
        return Explained(outcome, found.looked_for, found.map_url, answer.detail, original)
    finally:
        maps.close()


def _say(told: Explained) -> None:
    click.echo(told.outcome + (f": {printable(told.detail)}" if told.detail else ""))
    for name in told.looked_for:
        click.echo(f"  looked for  {printable(name)}")
    if told.source_map:
        click.echo(f"  found       {printable(told.source_map)}")
    if told.original:
        place = f"{told.original.source}:{told.original.line}:{told.original.column}"
        click.echo(
            f"  it is       {printable(told.original.function or '?')} in {printable(place)}"
        )
        click.echo(f"              {printable(told.original.context_line)}")


def _show(kept: list[Artefact], left_out: list[LeftOut], directory: Path) -> None:
    if kept:
        table = _table("Kept as", "Kind", "Bytes", "Debug id")
        for row in kept:
            kind = row.kind.replace("_", " ")
            table.add_row(printable(row.url), kind, f"{row.size_bytes:,}", row.debug_id or "-")
        _print(table)
    for each in left_out[:LEFT_OUT_SHOWN]:
        name = printable(str(each.path.relative_to(directory)))
        click.echo(f"left out: {name}: {printable(each.why)}")
    if len(left_out) > LEFT_OUT_SHOWN:
        click.echo(f"… and {len(left_out) - LEFT_OUT_SHOWN:,} more; --json names them all")
    total = sum(row.size_bytes for row in kept)
    click.echo(f"{len(kept):,} files kept ({total:,} bytes), {len(left_out):,} left out")


def _left_out_as_json(left_out: list[LeftOut]) -> None:
    for each in left_out:
        click.echo(msgspec.json.encode({"left_out": str(each.path), "why": each.why}))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name == "Bytes" else "left")
    return table


def _print(table: Table) -> None:
    tables.console().print(table)
