"""What people call an issue on the command line: `WEB-42`."""

import click

from equerry.cli.connection import projects
from equerry.errors import UnknownIssue
from equerry.issues import view
from equerry.settings import Settings


def located(settings: Settings, issue: str) -> tuple[str, str, int]:
    """Return scope, project and number of an id. Raises click.BadParameter for what is none."""
    names = projects(settings)
    try:
        scope, number = view.parse_id(issue, names)
    except UnknownIssue as error:
        raise click.BadParameter(str(error), param_hint="ISSUE") from error
    return scope, names[scope], number
