"""`/api/v1/`: each operation of the table, read by its rows and answered by its function.

1. query and body: what the operation's tables take, each fault named
2. the operation's function
3. its answer as JSON; what it refuses as `{"detail", "causes"}`
"""

import functools
from collections.abc import Callable
from typing import IO

from flask import Blueprint, Response, g, request

from dashboard import actions, events, fields, issues, operations, projects, replies
from dashboard.desk import Asked, Desk
from dashboard.operations import Operation
from equerry import clock
from equerry.errors import ActionRefused, Cause, EquerryError, Refused, UnknownIssue
from equerry.events import wire
from equerry.tokens import Token

MAX_BODY_BYTES = 64 * 1024

Handler = Callable[[Desk, Asked], object]

HANDLERS: dict[str, Handler] = {
    "overview": projects.overview,
    "projects": projects.every,
    "project": projects.one,
    "issues": issues.page,
    "issue": issues.one,
    "issue_events": events.of_issue,
    "activity": issues.activity,
    "event": events.one,
    "explain": events.explain,
    "bulk": actions.bulk,
    **{name: functools.partial(actions.act, name=name) for name in operations.ACTIONS},
}
_STATUSES: dict[type[EquerryError], int] = {UnknownIssue: 404, ActionRefused: 409}


def blueprint(desk: Desk) -> Blueprint:
    """Return the endpoints."""
    v1 = Blueprint("v1", __name__, url_prefix=operations.ROOT)
    for operation in operations.OPERATIONS:
        rule = operation.path.replace("{", "<").replace("}", ">")
        view = _view(desk, operation)
        v1.add_url_rule(rule, operation.name, view, methods=[operation.method])
    for error, status in _STATUSES.items():
        v1.register_error_handler(error, functools.partial(_refused, status))
    return v1


def _view(desk: Desk, operation: Operation) -> Callable[..., Response]:
    handler = HANDLERS[operation.name]

    def view(**place: str) -> Response:
        return replies.json(200, handler(desk, _asked(operation, place)))

    return view


def _refused(status: int, error: Exception) -> Response:
    return replies.refusal(Refused(status, str(error)))


def _asked(operation: Operation, place: dict[str, str]) -> Asked:
    token: Token = g.token
    return Asked(
        place=place,
        query=fields.read(_query(), operation.query),
        body={} if operation.body is None else fields.read(_body(operation.body), operation.body),
        by=token.name,
        scopes=tuple(token.scopes),
        now_ms=clock.now_ms(),
    )


def _query() -> dict[str, str]:
    """Return what stands after the `?`, each name once. Raises Refused 400."""
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise Refused(
                400, f"{name[:80]}: is given twice", (Cause(name[:80], "is given twice"),)
            )
        given[name] = values[0]
    return given


def _read(stream: IO[bytes], length: int | None) -> bytes:
    """Return the body, whether its length was told or it comes in chunks. Raises Refused 413."""
    wanted = MAX_BODY_BYTES + 1 if length is None else min(length, MAX_BODY_BYTES + 1)
    parts: list[bytes] = []
    while wanted > 0 and (part := stream.read(wanted)):
        parts.append(part)
        wanted -= len(part)
    body = b"".join(parts)
    if len(body) > MAX_BODY_BYTES:
        cause = Cause("body", "is larger than the limit", f"{MAX_BODY_BYTES} bytes")
        raise Refused(413, "the body is larger than the limit", (cause,))
    return body


def _body(takes: fields.Fields) -> dict[str, object]:
    """Return the JSON object of the body; where no field must be given there may be none.

    Raises Refused: 413, 415 or 400.
    """
    raw = _read(request.environ["wsgi.input"], request.content_length)
    if not raw and not any(field.required for field in takes.values()):
        return {}
    if request.mimetype != "application/json":
        given = request.mimetype[:80]
        raise Refused(
            415,
            "send JSON as application/json",
            (Cause("Content-Type", f"is {given!r}", "application/json"),),
        )
    value = wire.parse(raw).value
    if not isinstance(value, dict):
        raise Refused(400, "the body is no object", (Cause("body", "must be one JSON object"),))
    return value
