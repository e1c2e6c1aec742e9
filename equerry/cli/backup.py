"""`equerry backup`: the group, and the table of its verbs."""

import click

from equerry.cli.verbs import Verbs

VERBS = {
    "create": "equerry.cli.backup_create:create",
    "list": "equerry.cli.backup_list:list_",
    "show": "equerry.cli.backup_list:show",
    "verify": "equerry.cli.backup_verify:verify",
    "keys": "equerry.cli.backup_keys:keys",
}


@click.group(cls=Verbs, table=VERBS)
def backup() -> None:
    """Back the database up, and prove that the backups are whole.

    A backup is called good only after it was read back. Its layout is mongodump's.
    """
