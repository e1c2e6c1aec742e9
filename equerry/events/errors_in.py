"""An error as senders send it: the table of its fields."""

from typing import Any

import msgspec

from equerry.events import limits
from equerry.events.containers import Tags, Trail, Tree, prune
from equerry.events.fields import (
    Choice,
    Draft,
    Field,
    Identity,
    Kind,
    Moment,
    Schema,
    Text,
    Truth,
    Whole,
)
from equerry.events.report import ErrorReport

LEVELS = {
    "fatal": "fatal",
    "critical": "fatal",
    "error": "error",
    "warning": "warning",
    "warn": "warning",
    "info": "info",
    "debug": "debug",
}
BOUNDARIES = {"global": "global", "page": "page", "component": "component"}

_KINDS: dict[str, Kind] = {
    "timestamp": Moment(),
    "message": Text(limits.MESSAGE),
    "name": Text(limits.NAME),
    "stack": Text(limits.STACK),
    "level": Choice(LEVELS),
    "boundary": Choice(BOUNDARIES),
    "component": Text(limits.COMPONENT),
    "url": Text(limits.URL),
    "release": Text(limits.RELEASE),
    "environment": Text(limits.ENVIRONMENT),
    "user": Text(limits.USER),
    "tags": Tags(),
    "extra": Tree(),
    "breadcrumbs": Trail(),
    "handled": Truth(),
    "retry_count": Whole(limits.RETRIES),
}
FIELDS = {name: Field(name, kind) for name, kind in _KINDS.items()}
ID_FIELD = "id"
IDENTITY = Identity()


def build(
    found: dict[str, Any], unknown: dict[str, Any], draft: Draft, user_agent: str, address: str
) -> bytes:
    """Return the ErrorReport's JSON; b"" after noting what is missing.

    found: attribute → value read; it holds a timestamp. What has no field of its own is kept in
    `extra`, beside what the sender put there: nothing that was sent is lost.
    """
    if "message" not in found and not draft.faulted("message"):
        draft.fault("message", "is required", "a string")
    if draft.causes:
        return b""
    if unknown:
        extra = found.setdefault("extra", {})
        deeper: list[int] = []
        for name, value in unknown.items():
            free = name
            while free in extra:
                free += "_"
            extra[free] = value if draft.plain else prune(value, limits.DEPTH - 1, deeper.append)
        if deeper:
            draft.cut["extra"] = draft.cut.get("extra", 0) + len(deeper)
    found.setdefault("level", "error")
    return msgspec.json.encode(
        ErrorReport(**found, user_agent=user_agent, address=address, cut=draft.cut)
    )


def schema() -> Schema:
    """Describe one error as JSON Schema: what it calls valid is taken, what it does not is not."""
    optional = {name: {"anyOf": [kind.schema(), {"type": "null"}]} for name, kind in _KINDS.items()}
    return {
        "type": "object",
        "required": ["message"],
        "properties": {
            **optional,
            "message": _KINDS["message"].schema(),
            ID_FIELD: {"anyOf": [IDENTITY.schema(), {"type": "null"}]},
        },
        "additionalProperties": True,
    }
