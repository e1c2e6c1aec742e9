"""The `equerry` command: one group, and the table of its verbs."""

from importlib import import_module

import click

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
    "reindex": "equerry.cli.reindex:reindex",
    "version": "equerry.cli.version:version",
}

FAULT_EXIT = 1
SETTINGS_EXIT = 2


class Verbs(click.Group):
    """Finds the verbs in the table and turns Equerry's errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the table's order: first the one that is wanted first."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of this verb, or None."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{VERBS[cmd_name]} is no click command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; 2 is a bad setting, 1 any other fault that Equerry names."""
        try:
            return super().invoke(ctx)
        except EquerryError as error:
            click.echo(f"equerry: {error}", err=True)
            ctx.exit(SETTINGS_EXIT if isinstance(error, SettingsError) else FAULT_EXIT)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Equerry: the operations backbone of one website.

    Settings come from equerry.toml (or the file that EQUERRY_CONFIG names) and from EQUERRY_*
    variables. Exit codes: 0 ok, 1 the thing asked found a fault, 2 bad usage or settings.
    """
