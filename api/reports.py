"""The two endpoints that take Equerry's own form of report."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from api import body, replies
from api.receiving import Form, Receiver
from api.reporter import HEADER, QUERY, Key
from equerry.errors import Cause, Refused
from equerry.events import intake, wire
from equerry.events.intake import Intake, Sender

# Beacons send JSON as text/plain, which needs no preflight.
CONTENT_TYPES = frozenset({"application/json", "text/plain"})

Read = Callable[..., Intake]


def blueprint(receiver: Receiver) -> Blueprint:
    """Return the endpoints."""
    reports = Blueprint("reports", __name__)

    @reports.post(replies.REPORT_PATHS[0])
    def errors() -> Response:
        return receiver.receive(_ERRORS)

    @reports.post(replies.REPORT_PATHS[1])
    def metrics() -> Response:
        return receiver.receive(_METRICS)

    return reports


def _form(read: Read) -> Form:
    def parsed(raw: bytes, sender: Sender, now_ms: int) -> Intake:
        given = wire.parse(raw)
        return read(given.value, sender, now_ms, plain=given.plain)

    return Form(_key, body.NATIVE, parsed, _accepted)


def _key() -> Key:
    """Return the request's key. Raises Refused (415) for what is not sent as JSON."""
    given = request.mimetype
    if given not in CONTENT_TYPES:
        raise Refused(
            415,
            "send JSON as application/json or text/plain",
            (Cause("Content-Type", f"is {given[:80]!r}", " or ".join(sorted(CONTENT_TYPES))),),
        )
    key = request.environ.get("HTTP_X_EQUERRY_KEY") or request.args.get(QUERY, "")
    return Key(key, HEADER)


def _accepted(taken: Intake) -> Response:
    if not taken.is_batch:
        return replies.json(202, {"id": taken.id})
    ids = [event.id for event in taken.accepted]
    if not taken.causes:
        return replies.json(202, {"ids": ids})
    causes = [
        {"field": cause.field, "problem": cause.problem, "limit": cause.limit}
        for cause in taken.causes
    ]
    return replies.json(
        202, {"ids": ids, "detail": "some of this batch is not valid", "causes": causes}
    )


_ERRORS = _form(intake.errors)
_METRICS = _form(intake.metrics)
