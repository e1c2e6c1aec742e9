"""Every operation of `/api/v1/`: the table by which requests are read, and which documents them."""

from typing import NamedTuple

from dashboard import shapes
from dashboard.fields import Count, Cursor, Field, Fields, IssueId, IssueIds, Search, Words
from equerry.events.fields import Choice, Identity, Moment, Truth
from equerry.events.severity import Severity
from equerry.issues.actions import MOST_NAME_CHARS, MOST_NOTE_CHARS, MOST_RELEASE_CHARS
from equerry.issues.query import MOST_CHARS, Sort
from equerry.issues.view import MOST_ON_A_PAGE

ROOT = "/api/v1"
MOST_AT_ONCE = 100
MOST_COUNT = 10**12
TEN_YEARS_SECONDS = 10 * 366 * 86_400
SLUG_CHARS = 63


# What an operation takes that takes nothing.
NOTHING: Fields = {}


class Operation(NamedTuple):
    """One operation. path: after ROOT, in OpenAPI's spelling. answer: one of `shapes`.

    query: what may stand after `?`. body: None where there is none.
    """

    name: str
    method: str
    path: str
    summary: str
    answer: type
    query: Fields = NOTHING
    body: Fields | None = None


# What stands in a path. It is looked up, not read: what it does not fit is not found.
PATH: Fields = {
    "slug": Field(Words(SLUG_CHARS), "The project's slug", required=True),
    "id": Field(IssueId(), "The issue's short id, e.g. WEB-42", required=True),
    "event": Field(Identity(), "The event's id", required=True),
}
_LIMIT = Field(Count(1, MOST_ON_A_PAGE), f"At most so many, 1 to {MOST_ON_A_PAGE}; else 25")
_CURSOR = "Where the last page ended: its `next`"
_LIST: Fields = {
    "query": Field(Search(MOST_CHARS), "Which ones, e.g. `is:unresolved release:1.2 checkout`"),
    "project": Field(Words(SLUG_CHARS), "Only this project's: its slug"),
    "sort": Field(Choice({each.value: each.value for each in Sort}), "The order; else `lastSeen`"),
    "limit": _LIMIT,
    "cursor": Field(Cursor("-?[0-9]{1,18}:p[0-9]{1,18}:[0-9]{1,18}"), _CURSOR),
}
_EVENTS: Fields = {
    "limit": _LIMIT,
    "cursor": Field(Cursor("[0-9]{1,18}-[0-9]{1,18}"), _CURSOR),
}
_SEVERITY = Choice({each.value: each.value for each in Severity})


class Action(NamedTuple):
    """What an action does, and what it takes besides the issue."""

    summary: str
    body: Fields


ACTIONS = {
    "resolve": Action(
        "Resolve it: seen again, it has regressed",
        {
            "release": Field(Words(MOST_RELEASE_CHARS), "Only from this release on"),
            "in_next_release": Field(Truth(), "Only after the newest release that is known now"),
        },
    ),
    "ignore": Action(
        "Ignore it, for good or until one of these holds",
        {
            "for_seconds": Field(Count(1, TEN_YEARS_SECONDS), "For so long"),
            "until": Field(Moment(), "Until this time"),
            "until_count": Field(Count(1, MOST_COUNT), "Until so many more events"),
            "until_users": Field(Count(1, MOST_COUNT), "Until so many more users"),
        },
    ),
    "reopen": Action("Make it unresolved again", {}),
    "assign": Action(
        "Give it to somebody; without `to`, to nobody",
        {"to": Field(Words(MOST_NAME_CHARS), "A person's name or address")},
    ),
    "pin": Action(
        "Say how grave it is; without `severity` its events say so again",
        {"severity": Field(_SEVERITY, "What holds from now on")},
    ),
    "note": Action(
        "Write something down with it",
        {"text": Field(Words(MOST_NOTE_CHARS), "The note", required=True)},
    ),
    "merge": Action(
        "Make it a part of another issue of its project",
        {"into": Field(IssueId(), "The issue that it becomes a part of", required=True)},
    ),
    "unmerge": Action("Make it an issue by itself again", {}),
}


_ISSUES = Field(IssueIds(MOST_AT_ONCE), "The issues' short ids", required=True)


def several(action: str) -> Fields:
    """Return what the bulk form of an action takes."""
    named = Field(Choice({action: action}), ACTIONS[action].summary, required=True)
    return {"action": named, "issues": _ISSUES, **ACTIONS[action].body}


# What any of the bulk forms takes; once the action is known, its own form is read.
BULK: Fields = {
    "action": Field(Choice({name: name for name in ACTIONS}), "What to do", required=True),
    "issues": _ISSUES,
    **{
        name: field._replace(required=False)
        for action in ACTIONS.values()
        for name, field in action.body.items()
    },
}

OPERATIONS = (
    Operation("overview", "GET", "/", "What there is here", shapes.Overview),
    Operation("projects", "GET", "/projects", "The projects", shapes.Projects),
    Operation("project", "GET", "/projects/{slug}", "One project", shapes.Project),
    Operation(
        "releases",
        "GET",
        "/projects/{slug}/releases",
        "A project's releases and their health, the one seen last first",
        shapes.Releases,
        {"limit": _LIMIT},
    ),
    Operation(
        "monitors",
        "GET",
        "/projects/{slug}/monitors",
        "The scheduled jobs that check in at a project",
        shapes.Monitors,
    ),
    Operation("issues", "GET", "/issues", "Issues, by a query", shapes.Issues, _LIST),
    Operation("issue", "GET", "/issues/{id}", "One issue, with all there is", shapes.IssueDetails),
    Operation(
        "issue_events",
        "GET",
        "/issues/{id}/events",
        "The events that an issue keeps at hand, the newest first",
        shapes.Events,
        _EVENTS,
    ),
    Operation(
        "activity",
        "GET",
        "/issues/{id}/activity",
        "What was done with an issue, the newest first",
        shapes.Activity,
    ),
    Operation("event", "GET", "/events/{event}", "One event, as archived", shapes.EventFound),
    Operation(
        "explain",
        "GET",
        "/events/{event}/explain",
        "Why an event belongs to its issue: what its fingerprint is made of",
        shapes.Explained,
    ),
    *(
        Operation(
            name,
            "POST",
            f"/issues/{{id}}/{name}",
            action.summary,
            shapes.Done,
            NOTHING,
            action.body,
        )
        for name, action in ACTIONS.items()
    ),
    Operation(
        "bulk",
        "POST",
        "/issues/actions",
        "One action on several issues; each has its own result",
        shapes.BulkDone,
        NOTHING,
        BULK,
    ),
)
