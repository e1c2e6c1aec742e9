"""`equerry backup list` and `show`: what there is, and how far it can be relied on."""

import click
import msgspec
from rich.table import Table

from equerry import clock, settings_file
from equerry.backups import catalogue, place
from equerry.backups.catalogue import Entry
from equerry.cli import backup_tables, tables
from equerry.cli.printable import printable
from equerry.errors import BackupError

NONE_YET = (
    "No backups yet. Set EQUERRY_MONGODB_URI to the database's address, then"
    " `equerry backup create` makes one."
)


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(*, as_json: bool) -> None:
    """List the backups, the newest first, and which of them were proven."""
    folder = settings_file.load().backups_path
    entries = catalogue.entries(folder)
    if as_json:
        for each in entries:
            click.echo(printable(msgspec.json.encode(backup_tables.row(each)).decode()))
        return
    if entries:
        tables.console().print(backup_tables.table(entries, clock.now_ms()))
    else:
        click.echo(NONE_YET)
    for each in entries:
        if each.says:
            click.echo(f"\n{each.name} is faulty: {printable(each.says)}")
    busy = place.is_busy(folder)
    for path in place.leftovers(folder):
        why = "it is being made" if busy else "its dump was killed; the next one removes it"
        click.echo(f"\n{printable(path.name)} is no backup: {why}.")


@click.command()
@click.argument("name", default="latest")
@click.option("--json", "as_json", is_flag=True, help="The manifest, as one JSON object.")
def show(name: str, *, as_json: bool) -> None:
    """Show one backup, the newest without NAME: what is in it, and what is not."""
    folder = settings_file.load().backups_path
    entry = catalogue.entry(catalogue.find(folder, name))
    if entry.manifest is None:
        raise BackupError(printable(entry.says))
    if as_json:
        click.echo(printable(msgspec.json.encode(entry.manifest).decode()))
        return
    _describe(entry)


def _describe(entry: Entry) -> None:
    held = entry.manifest
    if held is None:
        return
    click.echo(f"{entry.name}  ({backup_tables.STATES[entry.state]})")
    if entry.says:
        click.echo(f"  faulty       {printable(entry.says)}")
    click.echo(f"  of           {printable(held.server)}, MongoDB {printable(held.server_version)}")
    click.echo(
        f"  made         {printable(held.created_at)} to {printable(held.finished_at)}"
        f" on {printable(held.made_on)} by {held.engine.value} {printable(held.engine_version)}"
    )
    click.echo(
        f"  holds        {held.documents:,} documents,"
        f" {backup_tables.size(held.plain_bytes)} as {backup_tables.size(held.stored_bytes)}"
    )
    if held.encryption:
        click.echo(f"  encrypted    for {len(held.encryption.recipients)} keys")
    click.echo(f"  proof        {backup_tables.outcome(held.name, entry.verified)}")
    for line in backup_tables.caveats(held):
        click.echo(f"  {line}")
    table = Table(box=None, pad_edge=False)
    table.add_column("\nCollection", overflow="fold")
    table.add_column("\nType", no_wrap=True)
    for column in ("\nDocuments", "\nSize"):
        table.add_column(column, no_wrap=True, justify="right")
    for each in held.collections:
        table.add_row(
            tables.name(each.namespace),
            each.kind.value,
            f"{each.documents:,}",
            backup_tables.size(each.bytes),
        )
    tables.console().print(table)
