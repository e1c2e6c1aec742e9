"""Issues and their events, as they are read."""

from typing import Any

import msgspec

from dashboard import shapes
from dashboard.desk import Asked, Desk
from equerry import clock, keys
from equerry.archive import line as lines
from equerry.errors import Cause, QueryError, Refused, UnknownIssue
from equerry.events.event import ERRORS
from equerry.issues import query, record, samples, view
from equerry.issues.journal import Line
from equerry.issues.samples import Missing, Sample
from equerry.issues.state import short_id

PAGE = 25
RETRY_SECONDS = 30


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


def events(desk: Desk, asked: Asked) -> shapes.Events:
    """Return a page of the events that an issue keeps at hand. Raises UnknownIssue."""
    scope, number = view.parse_id(asked.place["id"], desk.scopes)
    place = record.find(desk.redis, scope, number)
    if place is None:
        raise UnknownIssue(f"there is no issue {short_id(desk.scopes[scope], number)}")
    kept = samples.kept(desk.redis, scope, place.parts)
    cursor = asked.query.get("cursor", "")
    if cursor:
        kept = [each for each in kept if _at(each.stream_id) < _at(cursor)]
    limit = asked.query.get("limit", PAGE)
    read = samples.read(desk.archive, int(scope[1:]), kept[:limit])
    last = read[-1].stream_id if len(kept) > limit else ""
    return shapes.Events(tuple(_sample(each) for each in read), last)


def event(desk: Desk, asked: Asked) -> shapes.EventFound:
    """Return an event by its id. Raises Refused: 404, or 503 where the search took too long."""
    id_ = asked.place["event"].replace("-", "").lower()
    line, searched = samples.find(desk.archive, id_)
    if line is None and not searched:
        raise Refused(503, f"{id_[:40]}: {Missing.TIME}", retry_after_seconds=RETRY_SECONDS)
    if line is None:
        raise Refused(404, f"there is no event {id_[:40]!r} in the archive")
    found = lines.decode(line, ERRORS)
    project = desk.settings.project(found.project)
    slug = project.slug if project else ""
    return shapes.EventFound(
        id=found.id,
        project=slug,
        issue=_issue_of(desk, keys.scope(found.project), slug, found.fingerprint),
        received_at=clock.rfc3339(found.received_ms),
        event=_archived(line),
    )


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


def _at(stream_id: str) -> tuple[int, int]:
    first, _, second = stream_id.partition("-")
    return int(first), int(second)


def _act(each: Line, slug: str) -> shapes.Act:
    return shapes.Act(
        at=each.timestamp,
        what=each.what,
        by=each.by,
        issue=short_id(slug, each.issue),
        into=short_id(slug, each.into) if each.into else "",
        note=each.note,
    )


def _sample(each: Sample) -> shapes.Event:
    return shapes.Event(
        id=each.event_id,
        received_at=clock.rfc3339(each.at_ms),
        missing=each.missing or "",
        event=_archived(each.line) if each.line else None,
    )


def _archived(line: bytes) -> dict[str, Any]:
    """Return a line's fields but the stream's own id, which tells nobody anything."""
    fields: dict[str, Any] = msgspec.json.decode(line)
    fields.pop("_id", None)
    return fields


def _issue_of(desk: Desk, scope: str, slug: str, fingerprint: str) -> str:
    number = desk.redis.hget(keys.fingerprints(scope), fingerprint) if slug else None
    return short_id(slug, int(number)) if number else ""
