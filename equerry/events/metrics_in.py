"""A measurement as senders send it: our own form, web-vitals' and Next.js's, in one table."""

from typing import Any

import msgspec

from equerry.events import limits
from equerry.events.containers import Tags, Tree
from equerry.events.fields import (
    Draft,
    Field,
    Identity,
    Moment,
    Number,
    Schema,
    Text,
)
from equerry.events.report import MetricReport

FIELDS: dict[str, Field] = {
    "timestamp": Field("timestamp", Moment()),
    "name": Field("name", Text(limits.NAME)),
    "value": Field("value", Number()),
    # web-vitals' own, `v6-1795532400123-4821059173648`: one per metric and page view.
    "id": Field("metric_id", Text(limits.METRIC_ID)),
    "rating": Field("rating", Text(limits.WORD)),
    "delta": Field("delta", Number()),
    "navigationType": Field("navigation_type", Text(limits.WORD)),
    "navigationId": Field("navigation_id", Text(limits.METRIC_ID)),
    "navigationURL": Field("navigation_url", Text(limits.URL)),
    "attribution": Field("attribution", Tree()),
    "event": Field("event", Text(limits.EVENT_NAME)),
    "duration": Field("duration", Number()),
    "component": Field("component", Text(limits.COMPONENT)),
    "url": Field("url", Text(limits.URL)),
    "route": Field("route", Text(limits.URL)),
    "device": Field("device", Text(limits.WORD)),
    "connection": Field("connection", Text(limits.WORD)),
    "release": Field("release", Text(limits.RELEASE)),
    "environment": Field("environment", Text(limits.ENVIRONMENT)),
    "tags": Field("tags", Tags()),
}
ID_FIELD = "event_id"
IDENTITY = Identity()
PAGE_VIEW = "page_view"

# In milliseconds, and so are all of Next.js's own.
_TIMES = frozenset({"LCP", "INP", "FCP", "TTFB", "FID", "TBT", "TTI"})


def build(
    found: dict[str, Any], _unknown: dict[str, Any], draft: Draft, user_agent: str, address: str
) -> bytes:
    """Return the MetricReport's JSON; b"" after noting what is missing.

    found: attribute → value read; it holds a timestamp. What has no field is dropped: web-vitals
    sends its whole `entries`.
    """
    if not draft.faulted("name", "value", "event", "duration"):
        _complete(found, draft)
    if draft.causes:
        return b""
    name = found.get("name", "")
    for attribute in ("value", "delta"):
        if attribute in found:
            found[attribute] = clamp(name, found[attribute], signed=attribute == "delta")
    if "duration" in found:
        found["duration"] = min(max(found["duration"], 0.0), limits.DURATION_MS)
    return msgspec.json.encode(
        MetricReport(**found, user_agent=user_agent, address=address, cut=draft.cut)
    )


def _complete(found: dict[str, Any], draft: Draft) -> None:
    """Note what is missing: a name wants its value, an event its duration, page_view neither."""
    name, event = found.get("name"), found.get("event")
    if (name and "value" in found) or (event and ("duration" in found or event == PAGE_VIEW)):
        return
    if event:
        draft.fault("duration", "is required with event", "a number of milliseconds")
    elif name:
        draft.fault("value", "is required with name", "a number")
    else:
        draft.fault("name", "is required", "name and value, or event and duration")


def clamp(name: str, value: float, *, signed: bool) -> float:
    """Bring a value into what its unit allows: CLS to at most 100, times to 60,000 ms.

    Any other name has a unit of its own and is left as it is. signed: a delta may be below 0.
    """
    if name == "CLS":
        most = limits.LAYOUT_SHIFT
    elif name in _TIMES or name.startswith("Next.js-"):
        most = limits.DURATION_MS
    else:
        return value
    return min(max(value, -most if signed else 0.0), most)


def schema() -> Schema:
    """Describe one metric as JSON Schema: what it calls valid is taken, what it does not is not."""
    word = {"type": "string", "minLength": 1}
    number = {"type": "number"}
    return {
        "type": "object",
        "properties": {
            name: {"anyOf": [kind.schema(), {"type": "null"}]}
            for name, kind in (
                *((name, field.kind) for name, field in FIELDS.items()),
                (ID_FIELD, IDENTITY),
            )
        },
        "anyOf": [
            {"required": ["name", "value"], "properties": {"name": word, "value": number}},
            {"required": ["event", "duration"], "properties": {"event": word, "duration": number}},
            {"required": ["event"], "properties": {"event": {"const": PAGE_VIEW}}},
        ],
        "additionalProperties": True,
    }
