"""The OpenAPI document of `/api/v1/`, made from the table by which requests are read."""

from typing import Any

import msgspec
from flask import Blueprint, Response

from dashboard import fields, replies, shapes
from dashboard.operations import ACTIONS, BULK, OPERATIONS, PATH, ROOT, Operation, several
from equerry import version

PATH_OF_DOCUMENT = f"{ROOT}/openapi.json"
_REF = "#/components/schemas/{name}"
_DESCRIPTIONS = {
    "400": "Something given is not known or not valid; causes name each field",
    "401": "No token, or one that is unknown or has expired",
    "403": "The token has not the scope, or the Host or Origin is not Equerry's",
    "404": "There is no such thing",
    "409": "It makes no sense as things stand; detail says why",
    "413": "The body is above 64 KiB",
    "415": "The body is not application/json",
    "429": "Too many wrong tokens; wait as Retry-After says",
    "503": "Redis does not answer, or a search of the archive took too long",
}


def document() -> dict[str, Any]:
    """Return the whole document, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = paths.setdefault(f"{ROOT}{operation.path}", {})
        path[operation.method.lower()] = _operation(operation)
    open_to_all = {"security": [], "responses": {"200": _answer({"type": "object"}, "It")}}
    paths[PATH_OF_DOCUMENT] = {"get": {"summary": "This document; needs no token", **open_to_all}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Equerry, the operator's port",
            "version": version.release(),
            "summary": "Reads and works on what Equerry collected.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`equerry token create` makes one; POST needs the scope write",
                }
            },
            "schemas": _schemas(),
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    made: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": operation.name,
        "parameters": [
            *(_parameter(name, PATH[name], "path") for name in names),
            *(_parameter(name, field, "query") for name, field in operation.query.items()),
        ],
        "responses": {
            "200": _answer({"$ref": _REF.format(name=operation.answer.__name__)}, "Done"),
            **{
                status: _answer({"$ref": _REF.format(name="Refused")}, _DESCRIPTIONS[status])
                for status in _refusals(operation, named=bool(names))
            },
        },
    }
    if operation.body is not None:
        required = any(field.required for field in operation.body.values())
        content = {"application/json": {"schema": _body(operation)}}
        made["requestBody"] = {"required": required, "content": content}
    return made


def _body(operation: Operation) -> dict[str, Any]:
    if operation.body is not BULK:
        return fields.schema(operation.body or {})
    return {"oneOf": [fields.schema(several(action)) for action in ACTIONS]}


def _refusals(operation: Operation, *, named: bool) -> list[str]:
    writes = operation.body is not None
    absent = {
        "404": not named and "project" not in operation.query,
        "409": not writes,
        "413": not writes,
        "415": not writes,
    }
    return [status for status in _DESCRIPTIONS if not absent.get(status, False)]


def _parameter(name: str, field: fields.Field, place: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": field.required,
        "description": field.meaning,
        "schema": field.kind.schema(),
    }


def _answer(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _schemas() -> dict[str, Any]:
    answers = {operation.answer for operation in OPERATIONS}
    ordered = sorted(answers, key=lambda each: each.__name__)
    _, made = msgspec.json.schema_components(ordered, ref_template=_REF)
    for name in made:
        form = getattr(shapes, name, None)
        if form is not None and issubclass(form, msgspec.Struct):
            made[name]["required"] = list(made[name]["properties"])  # none is ever left out
    text = {"type": "string"}
    cause = {
        "type": "object",
        "required": ["field", "problem", "limit"],
        "properties": {"field": text, "problem": text, "limit": text},
    }
    refused = {
        "type": "object",
        "required": ["detail", "causes"],
        "properties": {"detail": text, "causes": {"type": "array", "items": cause}},
    }
    return {**made, "Refused": refused}


def blueprint() -> Blueprint:
    """Return the endpoint; the document is made when it is first asked for."""
    openapi = Blueprint("openapi", __name__)

    @openapi.get(PATH_OF_DOCUMENT)
    def serve() -> Response:
        return replies.json(200, document())

    return openapi
