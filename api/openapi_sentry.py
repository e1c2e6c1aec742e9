"""What the OpenAPI document says of the endpoints of Sentry's protocol."""

from typing import Any

from api import body
from equerry.events.sentry import check_ins, envelope, readers

Json = dict[str, Any]

_TEXT = {"type": "string"}
_PROJECT = {
    "name": "project",
    "in": "path",
    "required": True,
    "description": "The project's number or slug",
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
}
_SECURITY: list[Json] = [{"sentryHeader": []}, {"sentryQuery": []}]
_DESCRIPTIONS = {
    "200": "Kept; the id where an event was inside",
    "400": "Malformed, or nothing in it is valid; causes name each part, problem and limit",
    "401": "No key, or a malformed one",
    "403": "An unknown key, one of another project, or an origin that may not report",
    "413": "Too large",
    "415": "An unknown Content-Encoding",
    "429": "Too many; Retry-After and X-Sentry-Rate-Limits say how long to wait",
    "503": "Redis is away and the spool is full; with the same two headers",
}
_REPORT = {
    "type": "object",
    "required": ["type", "body"],
    "properties": {"type": _TEXT, "body": {"type": "object"}, "url": _TEXT},
}


def security_schemes() -> Json:
    """Return the ways to name a key that are no other endpoint's."""
    return {
        "sentryHeader": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Sentry-Auth",
            "description": "`Sentry sentry_key=…`; also under Authorization, or Basic with the key"
            " as the user",
        },
        "sentryQuery": {"type": "apiKey", "in": "query", "name": "sentry_key"},
    }


def paths() -> Json:
    """Return the paths. Each is there without its closing slash too."""
    most = body.ENVELOPE
    text = {
        "type": "string",
        "description": "A line of JSON, then for each item a line of JSON and its payload: at most"
        f" {envelope.ITEMS} items of {readers.ITEM_BYTES} bytes each, {most.compressed_bytes}"
        f" bytes compressed and {most.raw_bytes} bytes raw. Its header may name the key in `dsn`.",
    }
    browser = {
        "anyOf": [
            {
                "type": "object",
                "required": ["csp-report"],
                "properties": {"csp-report": {"type": "object"}},
            },
            {"type": "array", "minItems": 1, "items": _REPORT},
        ]
    }
    forms = ("application/json", "application/csp-report", "application/reports+json")
    return {
        "/api/{project}/envelope/": _post(
            "Report an envelope, as Sentry's SDKs do", "reportEnvelope", text, _ENVELOPE
        ),
        "/api/{project}/store/": _post(
            "Report one event, as Sentry's older SDKs do",
            "reportEvent",
            {"type": "object"},
            ("application/json",),
        ),
        "/api/{project}/security/": _post(
            "Report what a browser noticed by itself", "reportSecurity", browser, forms
        ),
        "/api/{project}/csp-report/": _post(
            "The same, under another name", "reportCsp", browser, forms
        ),
        "/api/reports": _post(
            "The same, with the project's key in the query alone",
            "reportBrowser",
            browser,
            forms,
            parameters=[],
            security=[*_SECURITY[1:], {"query": []}],
        ),
        "/api/{project}/cron/{monitor}/": _check_in(),
    }


_ENVELOPE = ("application/x-sentry-envelope", "text/plain")


def _post(
    summary: str,
    operation: str,
    schema: Json,
    media_types: tuple[str, ...],
    *,
    parameters: list[Json] | None = None,
    security: list[Json] | None = None,
) -> Json:
    content = {media_type: {"schema": schema} for media_type in media_types}
    return {
        "post": {
            "summary": summary,
            "operationId": operation,
            "security": _SECURITY if security is None else security,
            "parameters": [_PROJECT] if parameters is None else parameters,
            "requestBody": {"required": True, "content": content},
            "responses": _responses(),
        }
    }


def _check_in() -> Json:
    monitor = {
        "name": "monitor",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,50}$"},
    }
    query = [
        {"name": "status", "in": "query", "required": True, "schema": {"enum": check_ins.STATUSES}},
        {"name": "check_in_id", "in": "query", "schema": _TEXT},
        {"name": "duration", "in": "query", "schema": {"type": "number"}},
        {"name": "environment", "in": "query", "schema": _TEXT},
    ]
    operation = {
        "summary": "A scheduled job's sign of life; a JSON body may say the same as the query",
        "security": _SECURITY,
        "parameters": [_PROJECT, monitor, *query],
        "responses": _responses(),
    }
    return {
        method: {**operation, "operationId": f"checkIn{method.capitalize()}"}
        for method in ("get", "post")
    }


def _responses() -> Json:
    refused = {"$ref": "#/components/schemas/Refused"}
    taken = {"type": "object", "properties": {"id": _TEXT}}
    return {
        status: {
            "description": description,
            "content": {"application/json": {"schema": taken if status == "200" else refused}},
        }
        for status, description in _DESCRIPTIONS.items()
    }
