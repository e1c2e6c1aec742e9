"""Issues and what was done with them, as they are read."""

import msgspec

from dashboard import shapes
from dashboard.desk import Asked, Desk
from equerry import keys
from equerry.errors import Cause, QueryError, Refused
from equerry.issues import query, view
from equerry.issues.journal import Line
from equerry.issues.state import short_id

PAGE = 25


def page(desk: Desk, asked: Asked) -> shapes.Issues:
    """Return a page of the issues that match. Raises Refused: 400, 404 (no such project)."""
    given = asked.query
    wanted = _query(given.get("query", ""))
    if "sort" in given:
        wanted = msgspec.structs.replace(wanted, sort=query.Sort(given["sort"]))
    found = view.page(
        desk.redis,
        _scopes(desk, given.get("project", "")),
        wanted,
        asked.now_ms,
        limit=given.get("limit", PAGE),
        cursor=given.get("cursor", ""),
    )
    issues = tuple(shapes.full(each) for each in found.issues)
    return shapes.Issues(issues, found.next, found.complete)


def one(desk: Desk, asked: Asked) -> shapes.IssueDetails:
    """Return one issue; of a part of a merged one, the whole. Raises UnknownIssue."""
    scope, number = view.parse_id(asked.place["id"], desk.scopes)
    slug = desk.scopes[scope]
    found = view.show(desk.redis, scope, slug, number, asked.now_ms)
    return shapes.IssueDetails(
        **msgspec.structs.asdict(found.issue),
        hours=found.hours,
        days=found.days,
        tags=found.tags,
        merged=found.merged,
        activity=tuple(_act(each, slug) for each in found.activity),
    )


def activity(desk: Desk, asked: Asked) -> shapes.Activity:
    """Return what was done with an issue. Raises UnknownIssue."""
    return shapes.Activity(one(desk, asked).activity)


def _query(text: str) -> query.Query:
    try:
        return query.parse(text)
    except QueryError as error:
        raise Refused(400, str(error), (Cause("query", str(error)),)) from error


def _scopes(desk: Desk, slug: str) -> dict[str, str]:
    if not slug:
        return desk.scopes
    project = desk.project(slug)
    if project is None:
        known = ", ".join(desk.scopes.values()) or "none"
        raise Refused(404, f"there is no project {slug!r}; there is {known}")
    return {keys.scope(project.id): project.slug}


def _act(each: Line, slug: str) -> shapes.Act:
    return shapes.Act(
        at=each.timestamp,
        what=each.what,
        by=each.by,
        issue=short_id(slug, each.issue),
        into=short_id(slug, each.into) if each.into else "",
        note=each.note,
    )
