"""`equerry issues resolve`, `ignore` and the other verbs that change an issue."""

import getpass
from collections.abc import Callable, Sequence

import click
import msgspec

from equerry import clock, settings_file
from equerry.cli import spans
from equerry.cli.connection import connected
from equerry.cli.issue_ids import located
from equerry.cli.printable import printable
from equerry.errors import ActionRefused, EquerryError, UnknownIssue
from equerry.events.severity import Severity
from equerry.issues import actions
from equerry.issues.actions import Done, Until
from equerry.issues.state import State, Status, short_id
from equerry.redis_client import Redis

Act = Callable[[Redis, str, int, str, int], Done]


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a program reads of what was done to one issue."""

    id: str
    changed: bool
    status: Status
    severity: Severity
    assignee: str = ""


_issues = click.argument("issues", metavar="ISSUE...", nargs=-1, required=True)
_issue = click.argument("issue")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.command()
@_issues
@click.option("--in-next-release", is_flag=True, help="Only a release after the newest regresses.")
@click.option("--release", default="", help="Fixed in this one: it and later ones regress.")
@_json
def resolve(issues: Sequence[str], release: str, *, in_next_release: bool, as_json: bool) -> None:
    """Resolve issues: seen again, they have regressed, and that is told.

    Versions are ordered as semver has it (1.10 after 1.9), other names by when an event first named
    them.
    """

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.resolve(
            redis,
            scope,
            number,
            by=by,
            now_ms=now_ms,
            release=release,
            in_next_release=in_next_release,
        )

    _do(issues, act, as_json=as_json)


@click.command()
@_issues
@click.option("--for", "for_ms", metavar="2h", callback=spans.read, help="For 30m, 2h, 7d, 2w.")
@click.option("--until-count", "count", type=click.IntRange(1), help="More events.")
@click.option("--until-users", "users", type=click.IntRange(1), help="More users.")
@_json
def ignore(
    issues: Sequence[str], for_ms: int, count: int | None, users: int | None, *, as_json: bool
) -> None:
    """Ignore issues: they count on, and nothing is told of them.

    Without a term it is for good; with several, the first that holds ends it, and that is told.
    """
    until = Until(for_ms, count or 0, users or 0)

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.ignore(redis, scope, number, until, by=by, now_ms=now_ms)

    _do(issues, act, as_json=as_json)


@click.command()
@_issues
@_json
def reopen(issues: Sequence[str], *, as_json: bool) -> None:
    """Make issues unresolved again."""

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.reopen(redis, scope, number, by=by, now_ms=now_ms)

    _do(issues, act, as_json=as_json)


@click.command()
@_issue
@click.argument("name", required=False)
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@_json
def assign(issue: str, name: str | None, *, nobody: bool, as_json: bool) -> None:
    """Give an issue to somebody: any name that your team knows."""
    if bool((name or "").strip()) == nobody:
        raise click.UsageError("give a name, or --nobody")

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.assign(redis, scope, number, name or "", by=by, now_ms=now_ms)

    _do([issue], act, as_json=as_json)


@click.command()
@_issue
@click.argument("severity", type=click.Choice([each.value for each in Severity]), required=False)
@click.option("--unpin", is_flag=True, help="Leave it to its events again.")
@_json
def pin(issue: str, severity: str | None, *, unpin: bool, as_json: bool) -> None:
    """Say how grave an issue is, whatever its events say."""
    if bool(severity) == unpin:
        raise click.UsageError("give a severity, or --unpin")
    pinned = Severity(severity) if severity else None

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.pin(redis, scope, number, pinned, by=by, now_ms=now_ms)

    _do([issue], act, as_json=as_json)


@click.command()
@_issue
@click.argument("text")
@_json
def note(issue: str, text: str, *, as_json: bool) -> None:
    """Write something down with an issue; `equerry issues show` has it."""

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.note(redis, scope, number, text, by=by, now_ms=now_ms)

    _do([issue], act, as_json=as_json)


@click.command()
@click.argument("into")
@click.argument("others", metavar="OTHER...", nargs=-1, required=True)
@_json
def merge(into: str, others: Sequence[str], *, as_json: bool) -> None:
    """Make issues parts of another one: same cause, told apart by mistake.

    Their events, past and future, count there. `equerry issues unmerge` takes one out again.
    """
    settings = settings_file.load()
    scope = located(settings, into)[0]
    places = [located(settings, other) for other in others]
    if any(place[0] != scope for place in places):
        raise click.UsageError("only issues of one project can be merged")
    numbers = [number for _, _, number in places]

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.merge(redis, scope, number, numbers, by=by, now_ms=now_ms)

    _do([into], act, as_json=as_json)


@click.command()
@_issues
@_json
def unmerge(issues: Sequence[str], *, as_json: bool) -> None:
    """Take parts out of the issue that they were merged into: by the ids that they had."""

    def act(redis: Redis, scope: str, number: int, by: str, now_ms: int) -> Done:
        return actions.unmerge(redis, scope, number, by=by, now_ms=now_ms)

    _do(issues, act, as_json=as_json)


def _do(issues: Sequence[str], act: Act, *, as_json: bool) -> None:
    """Do it to each, and say what became of it; an issue that is not there ends it with 1."""
    settings = settings_file.load()
    places = [located(settings, issue) for issue in dict.fromkeys(issues)]
    with connected(settings) as redis:
        for scope, slug, number in places:
            try:
                done = act(redis, scope, number, getpass.getuser(), clock.now_ms())
            except (UnknownIssue, ActionRefused) as error:
                raise EquerryError(f"{short_id(slug, number)}: {error}") from error
            name = short_id(slug, done.number)
            click.echo(_json_line(name, done) if as_json else _sentence(name, done))


def _json_line(name: str, done: Done) -> str:
    state = done.state
    told = Told(name, done.changed, state.status, state.rated, state.assignee)
    return printable(msgspec.json.encode(told).decode())


def _sentence(name: str, done: Done) -> str:
    state = done.state
    parts = [standing(state), f"severity {state.rated}{' (pinned)' * (state.pinned is not None)}"]
    if state.assignee:
        parts.append(f"assigned to {printable(state.assignee)}")
    return f"{name}: {'' if done.changed else 'nothing changed: '}{', '.join(parts)}"


def standing(state: State) -> str:
    """Return the status and its terms in words."""
    if state.status is Status.RESOLVED and state.release:
        when = "in the release after" if state.next_release else "in"
        return f"resolved {when} {printable(state.release)}"
    terms = [
        f"until {clock.rfc3339(state.until_ms)[:16].replace('T', ' ')} UTC" * bool(state.until_ms),
        f"until it was seen {state.until_count:,} times" * bool(state.until_count),
        f"until {state.until_users:,} users met it" * bool(state.until_users),
    ]
    return " ".join((state.status, " or ".join(term for term in terms if term))).strip()


VERBS = (resolve, ignore, reopen, assign, pin, note, merge, unmerge)
