"""`equerry tail`: what came last, and what comes."""

import sys
import time
from collections.abc import Iterable

import click

from equerry import clock, settings_file
from equerry.archive import follow as following
from equerry.cli.printable import printable
from equerry.cli.readable import PARTS, readable

POLL_SECONDS = 0.25

EMPTY = {
    "errors": "`equerry up` shows a curl line that reports one.",
    "metrics": "Sites report them to /api/performance/metrics.",
    "sessions": "Sentry's SDKs report them by themselves, once a release is set.",
    "check-ins": "A job's SDK, or a curl of /api/<project>/cron/<monitor>/, reports them.",
    "drops": "SDKs tell of what they dropped themselves.",
    "logs": "Sentry's SDKs send them where their option for logs is set.",
    "feedback": "Visitors write it where a page shows the SDK's form.",
    "alerts": "`equerry alert test` sends one.",
    "jobs": "They are recorded once `equerry up` runs.",
    "issues": "Each new issue, and what is done to one, is recorded here.",
    "noise": "What browsers' extensions and robots cause is kept here.",
}


@click.command()
@click.argument("kind", type=click.Choice(list(PARTS)))
@click.option("-f", "--follow", is_flag=True, help="Wait for more; Ctrl-C ends it.")
@click.option(
    "-n",
    "--lines",
    "count",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many of the last ones.",
)
@click.option("--json", "as_json", is_flag=True, help="The archive's own JSON, an object a line.")
def tail(kind: str, count: int, *, follow: bool, as_json: bool) -> None:
    """Show what came last, the newest at the bottom.

    Read from the archive, so it needs no Redis. Times are UTC. What is not printable is shown
    escaped.
    """
    settings = settings_file.load()
    root = settings.data_path / "archive"
    projects = {project.id: project.slug for project in settings.projects}

    def show(lines: Iterable[bytes]) -> None:
        for line in lines:
            click.echo(_json(line) if as_json else readable(line, kind, projects))

    follower = following.Follower(root, kind, clock.now_ms()) if follow else None
    found = following.last(root, kind, count)
    show(found)
    if not found and count:
        click.echo(f"No {kind} in {root} yet. {EMPTY[kind]}", err=True)
    if follower is None:
        return
    follower.shown(found)
    try:
        while True:
            show(follower.poll(clock.now_ms()))
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _json(line: bytes) -> bytes | str:
    """Return the line as it is; on a terminal escaped, which in JSON means the same."""
    bare = line.rstrip(b"\n")
    return printable(bare.decode("utf-8", "replace")) if sys.stdout.isatty() else bare
