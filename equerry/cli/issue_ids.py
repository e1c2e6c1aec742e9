"""What people call an issue on the command line: `WEB-42`."""

import click

from equerry import keys
from equerry.errors import UnknownIssue
from equerry.issues import view
from equerry.settings import Settings


def projects(settings: Settings, slug: str | None = None) -> dict[str, str]:
    """Return scope → slug, of one project or of all. Raises click.BadParameter."""
    found = {keys.scope(project.id): project.slug for project in settings.projects}
    if slug is None:
        return found
    chosen = {scope: name for scope, name in found.items() if name == slug}
    if not chosen:
        known = ", ".join(found.values())
        raise click.BadParameter(f"no project {slug!r}; there is {known}", param_hint="--project")
    return chosen


def located(settings: Settings, issue: str) -> tuple[str, str, int]:
    """Return scope, project and number of an id. Raises click.BadParameter for what is none."""
    names = projects(settings)
    try:
        scope, number = view.parse_id(issue, names)
    except UnknownIssue as error:
        raise click.BadParameter(str(error), param_hint="ISSUE") from error
    return scope, names[scope], number
