"""The two endpoints that take reports, and their one way through the door.

1. key: which project, and may this origin report to it
2. size: the body is read and inflated within its limits, where its sender has a place to upload
3. decode: JSON, then each event's fields
4. one script: rates, room, repeats, append (or the spool, while Redis is away)
"""

import secrets
from collections.abc import Callable
from ipaddress import ip_network

from flask import Blueprint, Response, g, request

from api import body, client_address, replies, reporter
from api.uploads import Uploads
from equerry import clock, keys, logs
from equerry.errors import Cause, Refused
from equerry.events import intake, wire
from equerry.events.intake import Intake, Sender
from equerry.settings import Settings
from equerry.stream.acceptor import Acceptor
from equerry.stream.door import Rates
from equerry.stream.entry import Entry

# Beacons send JSON as text/plain, which needs no preflight.
CONTENT_TYPES = frozenset({"application/json", "text/plain"})

Read = Callable[..., Intake]


def blueprint(settings: Settings, acceptor: Acceptor) -> Blueprint:
    """Return the endpoints."""
    reports = Blueprint("reports", __name__)
    api = settings.api
    trusted = [ip_network(network) for network in api.trusted_proxies]
    uploads = Uploads()
    rates = Rates(api.rate_per_address, api.rate_per_key, api.burst_seconds)

    def receive(read: Read) -> Response:
        g.request_id = secrets.token_hex(8)
        with logs.bound(request=g.request_id):
            return take(read)

    def take(read: Read) -> Response:
        _check_content_type()
        environ = request.environ  # read as it is: request.headers looks a name up by scanning
        project = reporter.project(
            settings.projects,
            environ.get("HTTP_X_EQUERRY_KEY") or request.args.get(reporter.QUERY, ""),
            environ.get("HTTP_ORIGIN", ""),
        )
        address = client_address.client(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), trusted
        )
        bucket = client_address.bucket(address)
        with uploads.reading(bucket):
            raw = body.read(
                environ["wsgi.input"],
                request.content_length,
                environ.get("HTTP_CONTENT_ENCODING", ""),
            )
        parsed = wire.parse(raw)
        sender = Sender(environ.get("HTTP_USER_AGENT", ""), client_address.anonymous(address))
        now_ms = clock.now_ms()
        taken = read(parsed.value, sender, now_ms, plain=parsed.plain)
        if not taken.accepted:
            raise Refused(400, "nothing in this request is valid", taken.causes)
        entries = [Entry(b"", event.kind, event.id, now_ms, event.raw) for event in taken.accepted]
        acceptor.accept(keys.scope(project.id), entries, rates, bucket)
        return _accepted(parsed.value, taken)

    @reports.post(replies.REPORT_PATHS[0])
    def errors() -> Response:
        return receive(intake.errors)

    @reports.post(replies.REPORT_PATHS[1])
    def metrics() -> Response:
        return receive(intake.metrics)

    return reports


def _check_content_type() -> None:
    given = request.mimetype
    if given not in CONTENT_TYPES:
        raise Refused(
            415,
            "send JSON as application/json or text/plain",
            (Cause("Content-Type", f"is {given[:80]!r}", " or ".join(sorted(CONTENT_TYPES))),),
        )


def _accepted(value: object, taken: Intake) -> Response:
    ids = [event.id for event in taken.accepted]
    if not isinstance(value, list):
        return replies.json(202, {"id": ids[0]})
    if not taken.causes:
        return replies.json(202, {"ids": ids})
    causes = [
        {"field": cause.field, "problem": cause.problem, "limit": cause.limit}
        for cause in taken.causes
    ]
    return replies.json(
        202, {"ids": ids, "detail": "some of this batch is not valid", "causes": causes}
    )
