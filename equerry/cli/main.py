"""The `equerry` command: one group, and the table of its verbs."""

import click

from equerry.cli.verbs import Verbs
from equerry.errors import EquerryError, SettingsError

# Verb → `module:command`. A module is imported when its verb is asked for, so that none pays for
# another's libraries. A new verb is one module and one line here.
VERBS = {
    "up": "equerry.cli.up:up",
    "dsn": "equerry.cli.dsn:dsn",
    "config": "equerry.cli.config:config",
    "tail": "equerry.cli.tail:tail",
    "query": "equerry.cli.query:query",
    "releases": "equerry.cli.releases:releases",
    "monitors": "equerry.cli.monitors:monitors",
    "dead": "equerry.cli.dead:dead",
    "alert": "equerry.cli.alert:alert",
    "issues": "equerry.cli.issues:issues",
    "token": "equerry.cli.token:token",
    "sourcemaps": "equerry.cli.sourcemaps:sourcemaps",
    "backup": "equerry.cli.backup:backup",
    "reindex": "equerry.cli.reindex:reindex",
    "version": "equerry.cli.version:version",
}

FAULT_EXIT = 1
SETTINGS_EXIT = 2


class Main(Verbs):
    """Turns Equerry's errors into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; 2 is a bad setting, 1 any other fault that Equerry names."""
        try:
            return super().invoke(ctx)
        except EquerryError as error:
            click.echo(f"equerry: {error}", err=True)
            ctx.exit(SETTINGS_EXIT if isinstance(error, SettingsError) else FAULT_EXIT)


@click.group(cls=Main, table=VERBS, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Equerry: the operations backbone of one website.

    Settings come from equerry.toml (or the file that EQUERRY_CONFIG names) and from EQUERRY_*
    variables. Exit codes: 0 ok, 1 the thing asked found a fault, 2 bad usage or settings.
    """
