"""The endpoints that Sentry's SDKs report to: a project's DSN leads them here."""

from flask import Blueprint, Response, request

from api import body, replies, sentry_key
from api.receiving import Form, Receiver
from api.reporter import Key
from equerry.events.intake import Intake
from equerry.events.sentry import readers


def blueprint(receiver: Receiver) -> Blueprint:
    """Return the endpoints, each with its closing slash and without it."""
    envelopes = Blueprint("envelopes", __name__)

    @envelopes.post("/api/<project>/envelope/", strict_slashes=False)
    def envelope(project: str) -> Response:
        return receiver.receive(
            Form(_key, body.ENVELOPE, readers.read, _accepted, sentry_key.in_envelope, project)
        )

    @envelopes.post("/api/<project>/store/", strict_slashes=False)
    def store(project: str) -> Response:
        return receiver.receive(
            Form(_key, body.ENVELOPE, readers.event, _accepted, project=project)
        )

    return envelopes


def _key() -> Key:
    return sentry_key.in_request(request.environ, request.args)


def _accepted(taken: Intake) -> Response:
    return replies.json(200, {"id": taken.id} if taken.id else {})
