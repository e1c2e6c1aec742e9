"""`equerry issues`: what errors there are, and what becomes of them."""

import sys

import click
import msgspec

from equerry import clock, settings_file
from equerry.archive import line as lines
from equerry.cli import issue_actions, issue_tables
from equerry.cli.connection import connected, projects
from equerry.cli.issue_ids import located
from equerry.cli.printable import printable
from equerry.errors import EquerryError, QueryError
from equerry.events.event import ERRORS
from equerry.events.grouping import fingerprint as fingerprints
from equerry.events.report import ErrorFacts
from equerry.issues import query as queries
from equerry.issues import record, samples, view
from equerry.issues.samples import Sample
from equerry.settings import Settings

_ID_CHARS = 32
UNRESOLVED = "is:unresolved"


@click.group()
def issues() -> None:
    """List, look into and settle issues.

    An issue is all events of one cause: WEB-42. It is unresolved until somebody resolves or ignores
    it; a resolved one that is seen again has regressed, and that is told.
    """


@issues.command("list")
@click.option(
    "-q",
    "--query",
    "text",
    default=UNRESOLVED,
    show_default=True,
    help='Which: "is:regressed release:1.2 users:>5 checkout"; "" is all.',
)
@click.option("--project", "slug", metavar="SLUG", help="Only this project's.")
@click.option(
    "--sort",
    type=click.Choice([each.value for each in queries.Sort]),
    help="In place of the query's.",
)
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=25, show_default=True)
@click.option("--cursor", default="", help="The page after the one that gave this cursor.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(
    text: str, slug: str | None, sort: str | None, limit: int, cursor: str, *, as_json: bool
) -> None:
    """List issues, the last seen first.

    \b
    A query's terms, joined by «and», ! before one turns it round:
      is:unresolved|resolved|ignored|regressed|assigned|unassigned    assigned:ada
      severity:high, severity:>=high    level:error    issue:WEB-42    platform:python
      release:1.2  firstRelease:1.2  environment:production  tags[browser]:Firefox
      lastSeen:-24h (within)  firstSeen:+7d (longer ago)  firstSeen:>2026-11-01
      times_seen:>100  users:>5  sort:lastSeen|firstSeen|times_seen|users|severity
      any other words: in title or culprit
    """  # noqa: D301 - click's mark
    settings = settings_file.load()
    chosen = projects(settings, slug)
    wanted = _parsed(text, sort)
    with connected(settings) as redis:
        now_ms = clock.now_ms()
        try:
            page = view.page(redis, chosen, wanted, now_ms, limit=limit, cursor=cursor)
        except QueryError as error:
            raise click.BadParameter(str(error), param_hint="--cursor") from error
        begun = bool(page.issues) or any(record.count(redis, scope) for scope in chosen)
    if as_json:
        for issue in page.issues:
            click.echo(printable(msgspec.json.encode(issue).decode()))
        return
    issue_tables.print_page(page, text if begun else "", now_ms, asked_project=slug)


def _parsed(text: str, sort: str | None) -> queries.Query:
    try:
        wanted = queries.parse(text)
    except QueryError as error:
        raise click.BadParameter(printable(str(error)), param_hint="--query") from error
    return msgspec.structs.replace(wanted, sort=queries.Sort(sort)) if sort else wanted


@issues.command()
@click.argument("issue")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(issue: str, *, as_json: bool) -> None:
    """Show one issue: when, how often, whom, in which releases, and what was done."""
    settings = settings_file.load()
    scope, slug, number = located(settings, issue)
    with connected(settings) as redis:
        now_ms = clock.now_ms()
        details = view.show(redis, scope, slug, number, now_ms)
    if as_json:
        click.echo(printable(msgspec.json.encode(details).decode()))
        return
    issue_tables.print_details(details, issue.upper(), now_ms)


@issues.command()
@click.argument("issue")
@click.option("-n", "--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The archive's own JSON, an object a line.")
def events(issue: str, limit: int, *, as_json: bool) -> None:
    """Show the events that an issue keeps at hand, the newest first.

    They are the first, the latest and a spread between; the archive has all of them:
    `equerry query`. Exit code 1: none of them is there any more.
    """
    settings = settings_file.load()
    found = _events(settings, issue, limit)
    if as_json:
        for sample in found:
            if sample.line:
                click.echo(_json(sample.line))
    else:
        issue_tables.print_events(found)
    if not any(sample.line for sample in found):
        sys.exit(1)


@issues.command()
@click.argument("event", metavar="EVENT|ISSUE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def explain(event: str, *, as_json: bool) -> None:
    """Say why an event belongs to its issue: what its fingerprint is made of.

    EVENT is an event's id (32 hex digits); of an issue its latest event at hand is explained.
    """
    settings = settings_file.load()
    line = _line(settings, event)
    try:
        found = lines.decode(line, ERRORS)
    except ValueError as error:
        raise EquerryError(f"the archive's line of {event} is damaged: {error}") from error
    if not isinstance(found.report, ErrorFacts):
        raise EquerryError(f"{event} is no error: only errors are grouped")
    why = fingerprints.explain(found.report)
    if as_json:
        click.echo(printable(msgspec.json.encode(why).decode()))
        return
    issue_tables.print_explanation(found, why)


def _line(settings: Settings, event: str) -> bytes:
    name = event.lower().replace("-", "")
    if len(name) == _ID_CHARS and all(each in "0123456789abcdef" for each in name):
        line, whole = samples.find(settings.data_path / "archive", name)
        if line is None:
            raise EquerryError(
                f"no error of id {event} is in the archive"
                if whole
                else f"no error of id {event} was found in {samples.PATIENCE_SECONDS:g} s;"
                " `equerry query` may take longer"
            )
        return line
    found = _events(settings, event, 1)
    if not found or not found[0].line:
        raise EquerryError(f"no event of {event} is in the archive any more")
    return found[0].line


def _events(settings: Settings, issue: str, limit: int) -> list[Sample]:
    scope, slug, number = located(settings, issue)
    with connected(settings) as redis:
        place = record.find(redis, scope, number)
        if place is None:
            view.show(redis, scope, slug, number, clock.now_ms())  # says that there is none
        kept = samples.kept(redis, scope, place.parts if place else ())[:limit]
    project = next(each.id for each in settings.projects if each.slug == slug)
    return samples.read(settings.data_path / "archive", project, kept)


def _json(line: bytes) -> bytes | str:
    return printable(line.decode("utf-8", "replace")) if sys.stdout.isatty() else line


for verb in issue_actions.VERBS:
    issues.add_command(verb)
