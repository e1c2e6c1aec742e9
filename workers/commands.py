"""The Procfile's Celery lines: `equerry-celery worker|beat|flower`, with Celery's own options.

The `celery` command imports all of its verbs, their prompt and every plugin into each process:
13 MB that none of ours uses. This one imports the verb that is asked for.
"""

import warnings
from importlib import import_module

import click
from celery.bin.base import CLIContext
from celery.exceptions import SecurityWarning

from workers.celery_app import app

VERBS = {
    "worker": "celery.bin.worker:worker",
    "beat": "celery.bin.beat:beat",
    "flower": "flower.command:flower",
}


class Verbs(click.Group):
    """Finds Celery's own commands in the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of this verb, or None."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=Verbs)
@click.pass_context
def main(context: click.Context) -> None:
    """Run one of Equerry's Celery processes."""
    # Of running as root, where a pickled message could do anything: ours are JSON only.
    warnings.simplefilter("ignore", SecurityWarning)
    context.obj = CLIContext(app=app, no_color=True, workdir=None, quiet=True)
