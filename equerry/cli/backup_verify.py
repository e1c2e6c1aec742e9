"""`equerry backup verify`: read backups back."""

import sys
from pathlib import Path

import click
import msgspec

from equerry import clock, settings_file
from equerry.backups import catalogue, encryption, place, reading_back
from equerry.backups.records import Verified
from equerry.cli import backup_tables
from equerry.cli.backup_progress import INTERRUPTED_EXIT, bar
from equerry.cli.printable import printable


@click.command()
@click.argument("names", nargs=-1, metavar="[BACKUP]...")
@click.option("--all", "every", is_flag=True, help="All backups.")
@click.option(
    "--identity",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A private key, to look into encrypted files too.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, a backup each.")
def verify(names: tuple[str, ...], identity: Path | None, *, every: bool, as_json: bool) -> None:
    """Read backups back, every byte of them; the newest without a name.

    Hashes, gzip, each document's structure, counts, indexes and options, the set of files and the
    signature are checked. What is found is kept, and `equerry backup list` shows it.

    Exit code 1: one of them has faults.
    """
    settings = settings_file.load()
    folder = settings.backups_path
    wanted = place.backups(folder) if every else []
    wanted += [catalogue.find(folder, name) for name in names or (() if every else ("latest",))]
    keys = encryption.identities(identity) if identity else []
    faulty = False
    for path in wanted:
        try:
            with bar(path.name) as watch:
                verified = reading_back.prove(settings, path, clock.now_ms(), watch, keys)
        except KeyboardInterrupt:
            click.echo(f"equerry: stopped; {path.name} was not read to its end", err=True)
            sys.exit(INTERRUPTED_EXIT)
        faulty = faulty or bool(verified.faults)
        _tell(path.name, verified, as_json=as_json)
    if not wanted:
        click.echo("There are no backups to verify.", err=True)
    if faulty:
        sys.exit(1)


def _tell(name: str, verified: Verified, *, as_json: bool) -> None:
    if as_json:
        row = {"name": name} | msgspec.to_builtins(verified)
        click.echo(printable(msgspec.json.encode(row).decode()))
        return
    click.echo(f"{name}: {backup_tables.outcome(name, verified)}")
    for line in backup_tables.faults(verified):
        click.echo(f"  {line}")
