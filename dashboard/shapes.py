"""What `/api/v1/` answers with. Every field is always there; times are RFC 3339 in UTC."""

from typing import Any

import msgspec

from equerry.issues import view
from equerry.issues.journal import Deed


class Link(msgspec.Struct, frozen=True):
    """An operation as the overview lists it."""

    method: str
    path: str
    summary: str


class Overview(msgspec.Struct, frozen=True):
    """What there is here. token: whose token asks, and what it may do."""

    version: str
    token: str
    scopes: tuple[str, ...]
    operations: tuple[Link, ...]


class Project(msgspec.Struct, frozen=True):
    """A project. key: the public one of its reporters. issues: how many the index knows.

    events_waiting: accepted, and not yet drained. today: what was counted since midnight UTC.
    """

    id: int
    slug: str
    key: str
    origins: tuple[str, ...]
    issues: int
    events_waiting: int
    today: dict[str, int]


class Projects(msgspec.Struct, frozen=True):
    """All projects of the settings."""

    projects: tuple[Project, ...]


class Issue(view.Issue, frozen=True, kw_only=True, omit_defaults=False):
    """An issue as it is listed."""


class Issues(msgspec.Struct, frozen=True):
    """A page. next: the cursor of the page after it, "" on the last.

    complete: false where a project has more issues than a list looks at.
    """

    issues: tuple[Issue, ...]
    next: str
    complete: bool


class Act(msgspec.Struct, frozen=True):
    """Something that was done. issue: to which, of the parts of a merged one. into: merged."""

    at: str
    what: Deed
    by: str
    issue: str
    into: str
    note: str


class Activity(msgspec.Struct, frozen=True):
    """What was done, the newest first."""

    activity: tuple[Act, ...]


class IssueDetails(Issue, frozen=True, kw_only=True):
    """One issue. hours: hour → events, of the last 24. days: day → events, as far as known.

    tags: key → value → events. merged: the issues that are a part of this one.
    """

    hours: dict[str, int]
    days: dict[str, int]
    tags: dict[str, dict[str, int]]
    merged: tuple[str, ...]
    activity: tuple[Act, ...]


class Event(msgspec.Struct, frozen=True):
    """A sampled event. missing: why it is not shown, "" where it is.

    event: its JSON as archived, docs/reporting.md names the fields; null where it is missing.
    """

    id: str
    received_at: str
    missing: str
    event: dict[str, Any] | None


class Events(msgspec.Struct, frozen=True):
    """A page of events. next: the cursor of the page after it, "" on the last."""

    events: tuple[Event, ...]
    next: str


class EventFound(msgspec.Struct, frozen=True):
    """An event as archived. issue: the short id of the issue that it belongs to, if known."""

    id: str
    project: str
    issue: str
    received_at: str
    event: dict[str, Any]


class Explained(msgspec.Struct, frozen=True):
    """Why an event belongs to its issue. fingerprint: what it was given when it came.

    explanation: how the present algorithm comes to a fingerprint: its version, the fingerprint, and
    each part that was looked at.
    """

    id: str
    project: str
    issue: str
    fingerprint: str
    explanation: dict[str, Any]


class Done(msgspec.Struct, frozen=True):
    """What became of an issue. changed: false where it was so already."""

    changed: bool
    issue: Issue


class Result(msgspec.Struct, frozen=True):
    """What became of one of several. error: why nothing was done, else ""."""

    id: str
    changed: bool
    error: str


class BulkDone(msgspec.Struct, frozen=True):
    """The results, in the order of the ids."""

    results: tuple[Result, ...]


def full(issue: view.Issue) -> Issue:
    """Return the issue with every field."""
    return Issue(**msgspec.structs.asdict(issue))
