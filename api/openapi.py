"""The OpenAPI document, made from the same tables that check what is sent."""

from typing import Any

from flask import Blueprint, Response

from api import body, openapi_sentry, replies
from equerry import version
from equerry.events import intake, limits

_DESCRIPTIONS = {
    "202": "Kept: in the queue, or on the door's disk while Redis is away",
    "400": "Not JSON, or no event in it is valid; causes name each field, problem and limit",
    "401": "No key",
    "403": "An unknown key, or an origin that may not report",
    "413": f"Above {body.NATIVE.compressed_bytes} bytes compressed "
    f"or {body.NATIVE.raw_bytes} bytes raw",
    "415": "Neither application/json nor text/plain, or an unknown Content-Encoding",
    "429": "Too many; wait as Retry-After says",
    "503": "Redis is away and the spool is full",
}


def _answer(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _report(summary: str, name: str) -> dict[str, Any]:
    one_or_many = {
        "oneOf": [
            _ref(name),
            {"type": "array", "minItems": 1, "maxItems": limits.BATCH, "items": _ref(name)},
        ]
    }
    answers = {
        status: _answer(_ref("Accepted" if status == "202" else "Refused"), description)
        for status, description in _DESCRIPTIONS.items()
    }
    return {
        "post": {
            "summary": summary,
            "operationId": f"report{name}",
            "security": [{"header": []}, {"query": []}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": one_or_many},
                    "text/plain": {
                        "schema": {
                            **one_or_many,
                            "description": "The same JSON, as beacons send it without a preflight",
                        }
                    },
                },
            },
            "responses": answers,
        }
    }


def _read(summary: str, answers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": answers}}


def document() -> dict[str, Any]:
    """Return the whole document, OpenAPI 3.1."""
    status = _answer({"type": "object", "required": ["status"]}, "Yes")
    health = _ref("Health")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Equerry",
            "version": version.release(),
            "summary": "Takes in what browsers and servers report.",
        },
        "paths": {
            "/api/errors": _report("Report one error, or an array of them", "Error"),
            "/api/performance/metrics": _report("Report one metric, or an array of them", "Metric"),
            **openapi_sentry.paths(),
            "/livez": _read("Is the process alive", {"200": status}),
            "/readyz": _read(
                "Would a report sent now be kept", {"200": status, "503": _answer({}, "No")}
            ),
            "/api/infrastructure/health": _read(
                "Status, figures and since when, of every part",
                {
                    "200": _answer(health, "No part fails"),
                    "503": _answer(health, "A part fails"),
                },
            ),
            "/metrics": _read(
                "Prometheus metrics; from loopback, or with the token",
                {
                    "200": {"description": "Metrics", "content": {"text/plain": {}}},
                    "403": _answer(_ref("Refused"), "Neither"),
                },
            ),
            "/api/openapi.json": _read("This document", {"200": _answer({"type": "object"}, "It")}),
        },
        "components": {
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-Equerry-Key"},
                "query": {"type": "apiKey", "in": "query", "name": "key"},
                **openapi_sentry.security_schemes(),
            },
            "schemas": _schemas(),
        },
    }


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    cause = {
        "type": "object",
        "required": ["field", "problem", "limit"],
        "properties": {"field": text, "problem": text, "limit": text},
    }
    causes = {"type": "array", "items": cause}
    id_ = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
    part = {
        "type": "object",
        "required": ["status", "value", "problem", "since"],
        "properties": {
            "status": {"enum": ["ok", "warn", "fail", "unknown"]},
            "value": {"type": "object"},
            "problem": text,
            "since": text,
        },
    }
    return {
        "Error": intake.error_schema(),
        "Metric": intake.metric_schema(),
        "Accepted": {
            "type": "object",
            "properties": {
                "id": id_,
                "ids": {"type": "array", "items": id_},
                "detail": text,
                "causes": causes,
            },
        },
        "Refused": {
            "type": "object",
            "required": ["detail", "causes"],
            "properties": {"detail": text, "causes": causes},
        },
        "Health": {
            "type": "object",
            "required": ["status", "at", "parts"],
            "properties": {
                "status": {"enum": ["ok", "warn", "fail", "unknown"]},
                "at": text,
                "parts": {"type": "object", "additionalProperties": part},
            },
        },
    }


def blueprint() -> Blueprint:
    """Return the endpoint; the document is made once."""
    openapi = Blueprint("openapi", __name__)
    made = document()

    @openapi.get("/api/openapi.json")
    def serve() -> Response:
        return replies.json(200, made)

    return openapi
