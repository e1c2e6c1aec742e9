"""How the operator's process answers: JSON that nothing keeps, and never a stack trace.

The form of a refusal is the door's (`api/replies.py`); CORS and rate-limit headers are not here.
"""

import logging
from typing import Any

import msgspec
from flask import Flask, Response, request
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException, NotFound

from equerry.errors import Refused
from equerry.redis_client import is_away

log = logging.getLogger(__name__)

RETRY_SECONDS = 5


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
    if error.retry_after_seconds:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:  # noqa: PLR2004, Unauthorized
        response.headers["WWW-Authenticate"] = 'Bearer realm="equerry"'
    return response


def _http_error(error: HTTPException) -> Response:
    detail = error.description or error.name
    if isinstance(error, NotFound):
        detail = f"there is nothing at {request.path[:200]}; GET /api/v1/ lists what there is"
    response = json(error.code or 500, {"detail": detail, "causes": []})
    for name, value in error.get_headers():
        if name.lower() == "allow":
            response.headers[name] = value
    return response


def _redis_error(error: Exception) -> Response:
    if not is_away(error):
        return _fault(error)
    log.warning("redis-away", extra={"path": request.path, "error": str(error)})
    response = json(503, {"detail": "Redis does not answer; try again soon", "causes": []})
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _fault(error: Exception) -> Response:
    """Answer for a fault of ours: it is in the log, and not on the wire."""
    log.error("request-fault", extra={"path": request.path}, exc_info=error)
    return json(500, {"detail": "a fault of Equerry's own; it is in its log", "causes": []})


def _finish(response: Response) -> Response:
    """Let no cache keep an answer, and no browser guess what it is."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def install(app: Flask) -> None:
    """Answer every refusal and fault of this app so."""
    app.register_error_handler(Refused, refusal)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(RedisError, _redis_error)
    app.register_error_handler(Exception, _fault)
    app.after_request(_finish)
