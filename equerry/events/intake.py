"""What was sent, one object or an array of them, into reports ready for the stream."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from equerry.errors import Cause
from equerry.events import errors_in, limits, metrics_in
from equerry.events.fields import Draft, Field, Identity, Schema, moment

Build = Callable[[dict[str, Any], dict[str, Any], Draft, str, str], bytes]
Kind = Literal["errors", "metrics"]


class Sender(msgspec.Struct, frozen=True):
    """Who sent it, as the door saw it. address: the network, already anonymised.

    realm: within which the pseudonyms of people can be compared: a project's.
    """

    user_agent: str
    address: str
    realm: str = ""


class Incoming(msgspec.Struct, frozen=True):
    """One event, checked. id: 32 lower-case hex. raw: the report's JSON, `timestamp` first."""

    kind: str
    id: str
    raw: bytes


class Intake(msgspec.Struct, frozen=True):
    """What was taken, and every fault of what was not.

    is_batch: it came as an array. id: what the answer names it by; empty where it names none.
    status: of the refusal where nothing was taken. skipped: kind of what nobody reads → how many.
    """

    accepted: tuple[Incoming, ...]
    causes: tuple[Cause, ...]
    is_batch: bool = False
    id: str = ""
    status: int = 400
    skipped: dict[str, int] = {}


class _Form(msgspec.Struct, frozen=True):
    """What differs between errors and metrics."""

    kind: Kind
    fields: Mapping[str, Field]
    id_field: str
    identity: Identity
    build: Build


_ERRORS = _Form("errors", errors_in.FIELDS, errors_in.ID_FIELD, errors_in.IDENTITY, errors_in.build)
_METRICS = _Form(
    "metrics", metrics_in.FIELDS, metrics_in.ID_FIELD, metrics_in.IDENTITY, metrics_in.build
)


def errors(value: object, sender: Sender, now_ms: int, *, plain: bool = False) -> Intake:
    """Read one error or an array of 1 to limits.BATCH.

    now_ms stamps what has no timestamp. plain: see wire.Parsed.
    """
    return _read(_ERRORS, value, sender, now_ms, plain=plain)


def metrics(value: object, sender: Sender, now_ms: int, *, plain: bool = False) -> Intake:
    """Read one metric or an array of 1 to limits.BATCH.

    now_ms stamps what has no timestamp. plain: see wire.Parsed.
    """
    return _read(_METRICS, value, sender, now_ms, plain=plain)


def error_schema() -> Schema:
    """Return the JSON Schema of one error."""
    return errors_in.schema()


def metric_schema() -> Schema:
    """Return the JSON Schema of one metric."""
    return metrics_in.schema()


def _read(form: _Form, value: object, sender: Sender, now_ms: int, *, plain: bool) -> Intake:
    now = moment(now_ms)
    if isinstance(value, dict):
        draft = Draft("", plain=plain)
        event = _event(form, value, draft, sender, now)
        taken, id_ = ((event,), event.id) if event else ((), "")
        return Intake(taken, tuple(draft.causes), id=id_)
    if not isinstance(value, list):
        return _nothing("must be one JSON object or an array of them")
    if not 1 <= len(value) <= limits.BATCH:
        return _nothing(f"is an array of {len(value)}", f"1 to {limits.BATCH} objects")
    accepted: list[Incoming] = []
    causes: list[Cause] = []
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            causes.append(Cause(f"[{index}]", "must be an object"))
            continue
        draft = Draft(f"[{index}].", plain=plain)
        event = _event(form, item, draft, sender, now)
        if event:
            accepted.append(event)
        causes += draft.causes
    return Intake(tuple(accepted), tuple(causes), is_batch=True)


def _nothing(problem: str, limit: str = "") -> Intake:
    return Intake((), (Cause("body", problem, limit),))


def _event(
    form: _Form, value: dict[str, Any], draft: Draft, sender: Sender, now: str
) -> Incoming | None:
    """Read one event, field by field; None where the draft has faults. null counts as absent."""
    found: dict[str, Any] = {"timestamp": now}
    unknown: dict[str, Any] = {}
    fields = form.fields
    id_ = ""
    for name, given in value.items():
        field = fields.get(name)
        if field is not None:
            if given is not None:
                read = field.kind.read(given, name, draft)
                if read is not None:
                    found[field.attribute] = read
        elif name != form.id_field:
            unknown[name] = given
        elif given is not None:
            id_ = form.identity.read(given, name, draft) or ""
    raw = form.build(found, unknown, draft, sender.user_agent[: limits.USER_AGENT], sender.address)
    return Incoming(form.kind, id_ or secrets.token_hex(16), raw) if raw else None
