"""`equerry backup create`: make a backup, and read it back."""

import sys

import click
import msgspec

from equerry import clock, settings_file
from equerry.backups import dump, reading_back
from equerry.backups.dump import Made, Wanted
from equerry.backups.records import Verified
from equerry.cli import backup_tables
from equerry.cli.backup_progress import INTERRUPTED_EXIT, bar
from equerry.cli.printable import printable
from equerry.settings import Settings


@click.command()
@click.option("--db", "databases", multiple=True, help="Only this database; may be repeated.")
@click.option(
    "--exclude",
    multiple=True,
    metavar="DB[.COLLECTION]",
    help="Leave this out; may be repeated.",
)
@click.option("--no-snapshot", is_flag=True, help="Read each collection as it is meanwhile.")
@click.option("--no-verify", is_flag=True, help="Do not read it back: it is then not called good.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def create(
    databases: tuple[str, ...],
    exclude: tuple[str, ...],
    *,
    no_snapshot: bool,
    no_verify: bool,
    as_json: bool,
) -> None:
    """Back the database up, and read the backup back.

    Everything that backups.exclude does not name, users and roles included, is written in
    mongodump's layout, signed, and takes its name only when all of it is on the disk: Ctrl-C or a
    crash leaves nothing that looks whole.

    Exit code 1: no backup was made, or it has faults.
    """
    settings = settings_file.load()
    wanted = Wanted(databases=databases, exclude=exclude, snapshot=not no_snapshot)
    try:
        with bar("Dumping") as watch:
            made = dump.create(settings, wanted, clock.now_ms(), watch)
    except KeyboardInterrupt:
        click.echo("equerry: stopped; nothing that is not whole was left.", err=True)
        sys.exit(INTERRUPTED_EXIT)
    try:
        verified = None if no_verify else _read_back(settings, made)
    except KeyboardInterrupt:
        name = made.manifest.name
        click.echo(
            f"equerry: stopped; {name} is there, and not read back yet:"
            f" `equerry backup verify {name}`",
            err=True,
        )
        sys.exit(INTERRUPTED_EXIT)
    if as_json:
        click.echo(msgspec.json.encode(backup_tables.created(made, verified)))
    else:
        _tell(made, verified)
    if verified and verified.faults:
        sys.exit(1)


def _read_back(settings: Settings, made: Made) -> Verified:
    with bar("Reading back") as watch:
        return reading_back.prove(settings, made.path, clock.now_ms(), watch)


def _tell(made: Made, verified: Verified | None) -> None:
    for name in made.cleaned:
        click.echo(f"Removed {printable(name)}: a dump that was killed had left it.")
    held = made.manifest
    click.echo(
        f"{held.name}: {held.documents:,} documents in {len(held.collections):,} collections,"
        f" {backup_tables.size(held.plain_bytes)} as {backup_tables.size(held.stored_bytes)}"
    )
    for line in backup_tables.caveats(held):
        click.echo(f"  {line}")
    click.echo(f"  {backup_tables.outcome(held.name, verified)}")
    for line in backup_tables.faults(verified):
        click.echo(f"  {line}", err=True)
