"""`equerry backup keys`: whose backups are believed here."""

import click
import msgspec

from equerry import settings_file
from equerry.backups.signature import Key


@click.command()
@click.option("--pem", is_flag=True, help="This machine's public key as OpenSSL reads it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def keys(*, pem: bool, as_json: bool) -> None:
    """Print the public key that this machine signs backups with, and those that it trusts.

    The private part stays in the data directory; keep a copy of the public one elsewhere: another
    machine needs it in backups.trusted_keys to restore from these backups.
    """
    settings = settings_file.load()
    key = Key(settings.data_path)
    trusted = settings.backups.trusted_keys
    if pem:
        click.echo(key.public_pem, nl=False)
    elif as_json:
        click.echo(msgspec.json.encode({"key": key.public, "trusted_keys": trusted}))
    else:
        click.echo(f"{key.public}  (this machine's)")
        for each in trusted:
            click.echo(f"{each}  (trusted)")
