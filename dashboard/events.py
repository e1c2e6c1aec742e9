"""Events, as the archive has them."""

from typing import Any

import msgspec

from dashboard import shapes
from dashboard.desk import Asked, Desk
from equerry import clock, keys
from equerry.archive import line as lines
from equerry.errors import Refused, UnknownIssue
from equerry.events.event import ERRORS, Event
from equerry.events.grouping import fingerprint as fingerprints
from equerry.events.report import ErrorFacts
from equerry.issues import record, samples, view
from equerry.issues.samples import Missing, Sample
from equerry.issues.state import short_id

PAGE = 25
RETRY_SECONDS = 30


def of_issue(desk: Desk, asked: Asked) -> shapes.Events:
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


def one(desk: Desk, asked: Asked) -> shapes.EventFound:
    """Return an event by its id. Raises Refused: 404, or 503 where the search took too long."""
    line, found = _find(desk, asked.place["event"])
    slug, issue = _belongs(desk, found)
    return shapes.EventFound(
        id=found.id,
        project=slug,
        issue=issue,
        received_at=clock.rfc3339(found.received_ms),
        event=_archived(line),
    )


def explain(desk: Desk, asked: Asked) -> shapes.Explained:
    """Say what an event's fingerprint is made of. Raises Refused as `one` does."""
    _, found = _find(desk, asked.place["event"])
    slug, issue = _belongs(desk, found)
    if not isinstance(found.report, ErrorFacts):
        raise Refused(404, f"{found.id} is no error: only errors are grouped")
    why: dict[str, Any] = msgspec.to_builtins(fingerprints.explain(found.report))
    return shapes.Explained(found.id, slug, issue, found.fingerprint, why)


def _find(desk: Desk, given: str) -> tuple[bytes, Event]:
    """Return an event's line and what it says."""
    id_ = given.replace("-", "").lower()
    line, searched = samples.find(desk.archive, id_)
    if line is None and not searched:
        raise Refused(503, f"{id_[:40]}: {Missing.TIME}", retry_after_seconds=RETRY_SECONDS)
    if line is None:
        raise Refused(404, f"there is no event {id_[:40]!r} in the archive")
    try:
        return line, lines.decode(line, ERRORS)
    except ValueError as error:
        raise Refused(404, f"the archive's line of event {id_!r} is damaged") from error


def _belongs(desk: Desk, found: Event) -> tuple[str, str]:
    """Return the slug of an event's project and the id of its whole issue; "" if unknown."""
    project = desk.settings.project(found.project)
    if project is None:
        return "", ""
    scope = keys.scope(project.id)
    number = desk.redis.hget(keys.fingerprints(scope), found.fingerprint)
    place = record.find(desk.redis, scope, int(number)) if number else None
    return project.slug, short_id(project.slug, place.number) if place else ""


def _at(stream_id: str) -> tuple[int, int]:
    first, _, second = stream_id.partition("-")
    return int(first), int(second)


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
