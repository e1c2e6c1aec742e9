"""Where browsers report what they notice by themselves: a policy's violations, deprecations."""

from flask import Blueprint, Response, request

from api import body, replies, sentry_key
from api.receiving import Form, Receiver
from api.reporter import QUERY, Key
from equerry.events.intake import Intake
from equerry.events.sentry import readers


def blueprint(receiver: Receiver) -> Blueprint:
    """Return the endpoints, each with its closing slash and without it."""
    browser_reports = Blueprint("browser_reports", __name__)

    @browser_reports.post("/api/<project>/security/", strict_slashes=False)
    @browser_reports.post("/api/<project>/csp-report/", strict_slashes=False)
    def security(project: str) -> Response:
        return receiver.receive(_form(project))

    @browser_reports.post("/api/reports/", strict_slashes=False)
    def reports() -> Response:
        return receiver.receive(_form(""))

    return browser_reports


def _form(project: str) -> Form:
    return Form(_key, body.NATIVE, readers.browser, _accepted, project=project)


def _key() -> Key:
    """Return the key: a browser's own reports can name it in the address alone."""
    own = request.args.get(QUERY, "")
    return Key(own, QUERY) if own else sentry_key.in_request(request.environ, request.args)


def _accepted(_taken: Intake) -> Response:
    return replies.json(200, {})
