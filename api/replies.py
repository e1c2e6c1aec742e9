"""How the door answers: JSON, CORS, rate-limit headers; never a stack trace."""

import logging
import re
from typing import Any

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from equerry.errors import Refused
from equerry.events import event

log = logging.getLogger(__name__)

# What a page of any origin may send to and read the answer of; nothing else is for pages.
REPORT_PATHS = ("/api/errors", "/api/performance/metrics")
_FOR_PAGES = re.compile(
    "|".join(
        (*REPORT_PATHS, "/api/reports/?", "/api/[^/]+/(?:envelope|store|security|csp-report)/?")
    )
)
EXPOSED = "Retry-After, X-Sentry-Rate-Limits, X-Sentry-Error, X-Request-Id"
ALLOWED_HEADERS = (
    "Content-Type, Content-Encoding, X-Equerry-Key, X-Sentry-Auth, Authorization,"
    " X-Requested-With, Sentry-Trace, Baggage"
)
PREFLIGHT_SECONDS = "3600"
# What SDKs call the kinds that one may be told to wait with while the others go on.
CATEGORIES = {
    event.ERRORS: "error",
    event.METRICS: "transaction;span",
    event.SESSIONS: "session",
    event.CHECK_INS: "monitor",
    event.DROPS: "internal",
    event.LOGS: "log_item",
    event.FEEDBACK: "feedback;default",
}
_ERROR_CHARACTERS = 200
_LIMITED = frozenset({429, 503})


def json(status: int, body: Any) -> Response:  # noqa: ANN401, whatever msgspec encodes
    """Return a JSON response."""
    return Response(msgspec.json.encode(body), status, mimetype="application/json")


def refusal(error: Refused) -> Response:
    """Return the answer to a refused request."""
    causes = [
        {"field": cause.field, "problem": cause.problem, "limit": cause.limit}
        for cause in error.causes
    ]
    response = json(error.status, {"detail": error.detail, "causes": causes})
    # SDKs show this one to whoever debugs them; a header is one line of printable ASCII.
    response.headers["X-Sentry-Error"] = "".join(
        letter if " " <= letter <= "~" else "?" for letter in error.detail[:_ERROR_CHARACTERS]
    )
    if error.retry_after_seconds:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status in _LIMITED:
        # seconds:categories:scope:reason, as Sentry's SDKs read it; no category is every category.
        categories = CATEGORIES.get(error.kind, "")
        response.headers["X-Sentry-Rate-Limits"] = (
            f"{error.retry_after_seconds}:{categories}:organization:{error.reason}"
        )
    return response


def _http_error(error: HTTPException) -> Response:
    detail = error.description or error.name
    response = json(error.code or 500, {"detail": detail, "causes": []})
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _fault(error: Exception) -> Response:
    """Answer for a fault of ours: it is in the log, and not on the wire."""
    log.error("request-fault", extra={"path": request.path}, exc_info=error)
    return json(500, {"detail": "a fault of Equerry's own; it is in its log", "causes": []})


def _finish(response: Response) -> Response:
    """Let any page read the answer to a report: a key, not an origin, is what a report needs."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    if request_id := g.get("request_id"):
        headers["X-Request-Id"] = request_id
    if not _FOR_PAGES.fullmatch(request.path):
        return response
    headers["Access-Control-Allow-Origin"] = "*"
    headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = headers.get("Allow", "POST, OPTIONS")
        headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response


def install(app: Flask) -> None:
    """Answer every refusal and fault of this app so."""
    app.register_error_handler(Refused, refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _fault)
    app.after_request(_finish)
