"""A group whose verbs stand in a table, and are imported when they are asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Verbs(click.Group):
    """Finds verbs in a table: verb → `module:command`. None pays for another's libraries."""

    def __init__(self, *arguments: Any, table: Mapping[str, str], **more: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **more)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the table's order: first the one that is wanted first."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of this verb, or None."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._table[cmd_name]} is no click command")
        return command
