"""Issues as a person reads them on a terminal. What strangers sent is made printable first."""

import itertools
from collections.abc import Mapping, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from equerry import clock
from equerry.cli import tables
from equerry.cli.printable import printable
from equerry.cli.readable import COLOURS
from equerry.events.event import Event
from equerry.events.grouping.explanation import Explanation
from equerry.events.report import ErrorFacts
from equerry.issues.journal import Deed, Line
from equerry.issues.samples import Sample
from equerry.issues.state import short_id
from equerry.issues.tally import title
from equerry.issues.view import MOST_SCANNED, Details, Issue, Page

# On less, a title matters more than the day's events and the users; `show` has them.
WIDE_COLUMNS = 100
MOST_KEYS = 20
MOST_VALUES = 5
MOST_LINES = 20
_BARS = " ▁▂▃▄▅▆▇█"


def print_page(page: Page, query: str, now_ms: int, *, asked_project: str | None) -> None:
    """Print a list, or what to do where it is empty."""
    if not page.issues:
        click.echo(_nothing(query, asked_project))
        return
    console = tables.console()
    wide = console.width >= WIDE_COLUMNS
    table = Table(box=None, pad_edge=False, expand=True)
    for name in ("ID", "Severity", "Status"):
        table.add_column(name, no_wrap=True)
    table.add_column("Issue", no_wrap=True, overflow="ellipsis", ratio=1)
    for name in ("24 h", "Events", "Users", "Seen") if wide else ("Events", "Seen"):
        table.add_column(name, no_wrap=True, justify="right")
    for issue in page.issues:
        events, users = f"{issue.count:,}", f"{issue.users:,}"
        table.add_row(
            issue.id,
            Text(issue.severity, style=COLOURS.get(issue.severity, "")),
            _status(issue),
            Text(_named(issue)),
            *((f"{issue.count_day:,}", events, users) if wide else (events,)),
            f"{tables.ago(issue.last_seen, now_ms)} ago",
        )
    console.print(table)
    if page.next:
        click.echo(f"\nThere are more: add --cursor {page.next}")
    if not page.complete:
        click.echo(f"Only the {MOST_SCANNED:,} last seen of each project were looked at.", err=True)
    click.echo("\n`equerry issues show ID` tells more, `equerry issues resolve ID` settles one.")


def _nothing(query: str, project: str | None) -> str:
    where = f" of {project}" if project else ""
    if query:
        return (
            f'No issue{where} matches "{printable(query)}". `equerry issues list -q ""` lists all.'
        )
    return f"No issues{where} yet. `equerry up` shows a curl line that reports an error."


def _status(issue: Issue) -> str:
    regressed = issue.regressions and issue.status == "unresolved"
    return "regressed" if regressed else issue.status.value


def _named(issue: Issue) -> str:
    parts = (issue.title, issue.culprit, f"@{issue.assignee}" if issue.assignee else "")
    return "  ".join(printable(part) for part in parts if part)


def print_details(details: Details, asked: str, now_ms: int) -> None:
    """Print one issue. asked: the id that was asked for; it may be a part of this one."""
    issue, console = details.issue, tables.console()
    if asked != issue.id:
        click.echo(f"{printable(asked)} is a part of {issue.id}.\n")
    console.print(Text(f"{issue.id}  {printable(issue.title)}", style="bold"))
    rows = [
        ("Where", issue.culprit),
        ("Status", _standing(issue)),
        ("Severity", issue.severity + " (pinned)" * issue.pinned),
        ("Assigned to", issue.assignee or "nobody"),
        ("First seen", _when(issue.first_seen, now_ms)),
        ("Last seen", _when(issue.last_seen, now_ms)),
        ("Events", _counts(issue)),
        ("Users", f"about {issue.users:,}"),
        ("Last 24 h", _spark(details.hours, now_ms)),
        ("Releases", _releases(issue)),
        ("Merged", ", ".join(details.merged)),
    ]
    _print_pairs(console, [(name, text) for name, text in rows if text])
    for key, values in itertools.islice(details.tags.items(), MOST_KEYS):
        shown = [f"{value} {number:,}" for value, number in values.items()][:MOST_VALUES]
        more = [f"and {len(values) - MOST_VALUES} more"] * (len(values) > MOST_VALUES)
        _print_pairs(console, [(key, ", ".join((*shown, *more)))])
    if len(details.tags) > MOST_KEYS:
        click.echo(f"  and {len(details.tags) - MOST_KEYS} more tags: --json has all.")
    if details.activity:
        click.echo("\nWhat happened:")
        for line in details.activity[:MOST_LINES]:
            console.print(Text(f"  {_deed(line, issue.project)}"))
    click.echo(
        f"\n`equerry issues events {issue.id}` shows events,"
        f" `equerry issues explain {issue.id}` why they are one issue."
    )


def _print_pairs(console: Console, rows: Sequence[tuple[str, str]]) -> None:
    for name, text in rows:
        console.print(Text(f"  {printable(name):14}{printable(text)}"))


def _standing(issue: Issue) -> str:
    if issue.resolved_in:
        after = "the release after " * issue.resolved_in_next_release
        return f"resolved in {after}{issue.resolved_in}"
    terms = [f"{name} {value}" for name, value in issue.ignored_until.items()]
    again = f", regressed {issue.regressions} times" if issue.regressions else ""
    return issue.status + (f" until {' or '.join(terms)}" if terms else "") + again


def _counts(issue: Issue) -> str:
    return f"{issue.count:,}; {issue.count_day:,} in 24 h, {issue.count_hour:,} in this hour"


def _when(when: str, now_ms: int) -> str:
    return f"{when[:19].replace('T', ' ')} UTC, {tables.ago(when, now_ms)} ago"


def _releases(issue: Issue) -> str:
    return " … ".join(dict.fromkeys(x for x in (issue.first_release, issue.last_release) if x))


def _spark(hours: Mapping[str, int], now_ms: int) -> str:
    names = [clock.hour(now_ms - ago * 3_600_000) for ago in reversed(range(24))]
    most = max(hours.values(), default=0)
    if not most:
        return ""
    steps = [-(-hours.get(name, 0) * (len(_BARS) - 1) // most) for name in names]
    return "".join(_BARS[step] for step in steps)


def _deed(line: Line, project: str) -> str:
    when = line.timestamp[:16].replace("T", " ")
    words = f": {printable(line.note)}" if line.note else ""
    if line.into:
        which = "out of" if line.what is Deed.UNMERGED else "into"
        words = f": {short_id(project, line.issue)} {which} {short_id(project, line.into)}"
    return f"{when}  {printable(line.by)}  {line.what}{words}"


def print_events(found: Sequence[Sample]) -> None:
    """Print events, and why one is not there."""
    console = tables.console()
    for sample in found:
        when = clock.rfc3339(sample.at_ms)[:19].replace("T", " ")
        console.print(Text(f"{when}  {sample.event_id}", style="bold"))
        console.print(Text(f"  {sample.missing}") if sample.missing else _event(sample))
    if not found:
        click.echo("No event is at hand.")


def _event(sample: Sample) -> Text:
    try:
        event = sample.event
    except ValueError:
        return Text("  the archive's line of it is damaged")
    report = event.report if event else None
    if not isinstance(report, ErrorFacts):
        return Text("")
    facts = (report.release, report.environment, report.url, report.user_agent)
    lines = (title(report), "  ".join(fact for fact in facts if fact))
    return Text("\n".join(f"  {printable(line)}" for line in lines if line))


def print_explanation(event: Event, why: Explanation) -> None:
    """Print what a fingerprint is made of: each part that was looked at, `+` where it counts."""
    report, console = event.report, tables.console()
    named = title(report) if isinstance(report, ErrorFacts) else ""
    rows = [
        ("Event", event.id),
        ("Error", named),
        ("Grouped by", why.strategy),
        ("Fingerprint", f"{why.fingerprint} (version {why.version})"),
    ]
    if event.fingerprint != why.fingerprint:
        rows.append(("Archived as", f"{event.fingerprint}, by another version or source map"))
    _print_pairs(console, rows)
    table = Table(box=None, pad_edge=False)
    for name in ("", "Part", "As it was compared", "Why"):
        table.add_column(name, overflow="fold")
    for part in why.parts:
        mark = "+" if part.contributes else "-"
        style = "" if part.contributes else "dim"
        cells = (mark, part.what, printable(part.text), part.why)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    if table.row_count:
        click.echo("")
        console.print(table)
