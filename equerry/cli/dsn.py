"""`equerry dsn`: what a reporter is configured with."""

import click

from equerry import settings_file
from equerry.cli.address import base_url, dsn_of
from equerry.errors import SettingsError


@click.command()
@click.option("--project", "slug", metavar="SLUG", help="The project; the first one by default.")
def dsn(slug: str | None) -> None:
    """Print a project's DSN: http://<public key>@<host>:<port>/<project id>."""
    settings = settings_file.load()
    if not settings.projects:
        raise SettingsError("projects: there is none yet; add a [[projects]] table")
    project = next(
        (each for each in settings.projects if slug is None or each.slug == slug),
        None,
    )
    if project is None:
        known = ", ".join(each.slug for each in settings.projects)
        raise click.BadParameter(f"no project {slug!r}; there is {known}", param_hint="--project")
    click.echo(dsn_of(project, base_url(settings.api.host, settings.api.port)))
