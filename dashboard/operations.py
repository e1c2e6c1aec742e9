"""Every operation of `/api/v1/`: one table, by which requests are read, and which documents them."""

from typing import NamedTuple

from dashboard.fields import Count, Field, Fields, IssueId, IssueIds, Words
from equerry.events.event import ERRORS
from equerry.events.fields import Choice, Moment, Truth
from equerry.events.severity import Severity
from equerry.issues.query import Sort
from equerry.issues.view import MOST_ON_A_PAGE

ROOT = "/api/v1"
MOST_AT_ONCE = 100
MOST_COUNT = 10**12
NAME_CHARS = 200
NOTE_CHARS = 4_000
QUERY_CHARS = 1_000
CURSOR_CHARS = 200

PARAMETERS: Fields = {
    "id": Field(IssueId(), "The issue's short id, e.g. WEB-42", required=True),
    "slug": Field(Words(63), "The project's slug", required=True),
    "event": Field(Words(64), "The event's id: 32 hexadecimal digits", required=True),
}


class Operation(NamedTuple):
    """One operation. path: after ROOT, in OpenAPI's spelling. answer: a schema of `shapes`.

    query: what may stand after `?`. body: None where there is none.
    """

    name: str
    method: str
    path: str
    summary: str
    answer: str
    query: Fields = {}
    body: Fields | None = None


_PAGE: Fields = {
    "limit": Field(Count(1, MOST_ON_A_PAGE), f"At most so many, 1 to {MOST_ON_A_PAGE}"),
    "cursor": Field(Words(CURSOR_CHARS), "Where the last page ended: its `next`"),
}
_NOTE = Field(Words(NOTE_CHARS), "Why; it stands in the activity")
_SEVERITIES = Choice({each.value: each.value for each in Severity})

# What each action takes besides the issue; `note` goes with every one.
ACTIONS: dict[str, tuple[str, Fields]] = {
    "resolve": (
        "Resolve it; an event of a later release is a regression",
        {
            "release": Field(Words(NAME_CHARS), "Resolved in this release"),
            "next_release": Field(Truth(), "Resolved in the release after the last one seen"),
        },
    ),
    "ignore": (
        "Ignore it, for good or until the first of these",
        {
            "for_seconds": Field(Count(1, 10 * 366 * 86_400), "For so long"),
            "until": Field(Moment(), "Until this time"),
            "events": Field(Count(1, MOST_COUNT), "Until so many more events"),
            "users": Field(Count(1, MOST_COUNT), "Until so many more users"),
        },
    ),
    "reopen": ("Set it to unresolved", {}),
    "assign": (
        "Assign it; without `to` it is nobody's",
        {"to": Field(Words(NAME_CHARS), "A person's name or address")},
    ),
    "pin": (
        "Pin its severity; without `severity` the highest seen holds again",
        {"severity": Field(_SEVERITIES, "The severity that holds from now on")},
    ),
    "note": ("Write a note", {}),
    "merge": (
        "Make it a part of another issue of the same project",
        {"into": Field(IssueId(), "The issue that it becomes a part of", required=True)},
    ),
    "unmerge": ("Make it an issue of its own again", {}),
}
