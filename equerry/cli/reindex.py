"""`equerry reindex`: counters and issues, rebuilt from the archive."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from equerry import clock, settings_file
from equerry.archive import gate
from equerry.archive.hours import Hour
from equerry.cli.connection import connected
from equerry.health.rebuild import Rebuild
from equerry.issues import reindex as reindexing
from equerry.issues.reindex import Other, Rebuilt
from equerry.settings import Settings

# One transaction holds a project's whole index: some seconds for 100,000 issues.
SWAP_SECONDS = 120.0


class Summary(msgspec.Struct, frozen=True):
    """What was done. projects: slug → what its index now holds."""

    lines: int
    repeated: int
    uncommitted: int
    other_projects: int
    damaged: dict[str, int]
    seconds: float
    projects: dict[str, dict[str, int]]


@click.command()
@click.option(
    "--wait",
    "wait_seconds",
    default=gate.WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait for batches that are being worked on.",
)
@click.option("--force", is_flag=True, help="Even if another machine's segments are not here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def reindex(wait_seconds: float, *, force: bool, as_json: bool) -> None:
    """Rebuild counters, issues, releases and monitors in Redis from the archive.

    For when Redis lost its data, or counters are in doubt. Meanwhile events are accepted and wait
    in the queue. The old index is replaced at the very end: stopped before, nothing has changed.
    Alerts, the queue and dead letters are not touched.

    Exit code 1: nothing was changed, or some lines of the archive are damaged and were left out.
    """
    settings = settings_file.load()
    began = time.monotonic()
    with connected(settings, timeout_seconds=SWAP_SECONDS) as redis, _progress() as progress:
        rebuilt = reindexing.reindex(
            redis,
            settings,
            clock.now_ms(),
            progress,
            other=lambda scope: _signals(Rebuild(redis, scope)),
            alone=not force,
            wait_seconds=wait_seconds,
        )
    summary = _summary(settings, rebuilt, time.monotonic() - began)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        _tell(summary)
    if summary.damaged:
        sys.exit(1)


def _signals(rebuild: Rebuild) -> Other:
    return Other(rebuild.add, rebuild.replace)


@contextmanager
def _progress() -> Iterator[Callable[[Hour, Sequence[Hour]], None]]:
    """A bar on a terminal's stderr: hours of the archive counted, of all there are."""
    columns = (TextColumn("Counting"), BarColumn(), MofNCompleteColumn(), TextColumn("hours"))
    console = Console(stderr=True)
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=None)
        yield lambda _hour, hours: bar.update(task, total=len(hours), advance=1)


def _summary(settings: Settings, rebuilt: Rebuilt, seconds: float) -> Summary:
    counted = rebuilt.counted
    return Summary(
        lines=counted.lines,
        repeated=counted.repeated,
        uncommitted=counted.uncommitted,
        other_projects=counted.strange,
        damaged=counted.damaged,
        seconds=round(seconds, 3),
        projects={
            project.slug: {
                "events": counted.events[project.id],
                "issues": rebuilt.issues[project.id],
            }
            for project in settings.projects
        },
    )


def _tell(summary: Summary) -> None:
    click.echo(f"Rebuilt from {summary.lines:,} lines in {summary.seconds:.1f} s.")
    for slug, held in summary.projects.items():
        click.echo(f"  {slug}: events {held['events']:,}, issues {held['issues']:,}")
    for number, what in (
        (summary.repeated, "repeated lines were counted once"),
        (summary.uncommitted, "lines were left to the worker that has not finished them"),
        (summary.other_projects, "lines are of projects that the settings do not have"),
    ):
        if number:
            click.echo(f"  {number:,} {what}")
    for segment, number in summary.damaged.items():
        click.echo(f"  {number:,} damaged lines left out: {segment}", err=True)
