"""`equerry version`."""

from importlib import metadata

import click


@click.command()
def version() -> None:
    """Print Equerry's version."""
    click.echo(metadata.version("equerry"))
