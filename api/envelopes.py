"""The endpoints that Sentry's SDKs report to: a project's DSN leads them here."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from api import body, replies, sentry_key
from api.receiving import Form, Receiver
from api.reporter import Key
from equerry.errors import Refused
from equerry.events import wire
from equerry.events.intake import Intake, Sender
from equerry.events.sentry import readers


def blueprint(receiver: Receiver) -> Blueprint:
    """Return the endpoints, each with its closing slash and without it."""
    envelopes = Blueprint("envelopes", __name__)

    @envelopes.post("/api/<project>/envelope/", strict_slashes=False)
    def envelope(project: str) -> Response:
        key_in = sentry_key.in_envelope
        return receiver.receive(
            Form(_key, body.ENVELOPE, readers.read, _accepted, key_in, project=project)
        )

    @envelopes.post("/api/<project>/store/", strict_slashes=False)
    def store(project: str) -> Response:
        return receiver.receive(
            Form(_key, body.ENVELOPE, readers.event, _accepted, project=project)
        )

    @envelopes.route("/api/<project>/cron/<slug>/", methods=["GET", "POST"], strict_slashes=False)
    def cron(project: str, slug: str) -> Response:
        return receiver.receive(_check_in(_key, project, slug))

    @envelopes.route(
        "/api/<project>/cron/<slug>/<key>/", methods=["GET", "POST"], strict_slashes=False
    )
    def cron_with_key(project: str, slug: str, key: str) -> Response:
        return receiver.receive(_check_in(lambda: Key(key, "path"), project, slug))

    return envelopes


def _key() -> Key:
    return sentry_key.in_request(request.environ, request.args)


def _check_in(key: Callable[[], Key], project: str, slug: str) -> Form:
    """A check-in says what it says in the query, in a JSON body, or in both; the body wins."""
    if request.method == "HEAD":  # which Flask takes for a GET: a look at the link is no check-in
        raise Refused(405, "a check-in is a GET or a POST")

    def read(raw: bytes, sender: Sender, now_ms: int) -> Intake:
        given: dict[str, object] = dict(request.args)
        if raw:
            told = wire.parse(raw).value
            given |= told if isinstance(told, dict) else {}
        return readers.check_in(given, slug, sender, now_ms)

    return Form(key, body.NATIVE, read, _accepted, project=project)


def _accepted(taken: Intake) -> Response:
    return replies.json(200, {"id": taken.id} if taken.id else {})
