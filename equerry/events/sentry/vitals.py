"""Items `transaction` and `span`: of all that they say, the web vitals."""

from collections.abc import Iterator, Mapping
from typing import Any

from equerry.events import limits
from equerry.events.event import METRICS
from equerry.events.fields import Draft
from equerry.events.intake import Incoming
from equerry.events.metrics_in import clamp
from equerry.events.report import MetricReport
from equerry.events.sentry import attributes, lenient, request
from equerry.events.sentry.context import Context, incoming, json_object

SPANS = 1_000
# The name in an SDK's own words → the name that the browser's library gives it.
VITALS = {name.lower(): name for name in ("LCP", "FCP", "CLS", "INP", "TTFB", "FID")}
_ATTRIBUTES = {f"browser.web_vital.{name}.value": vital for name, vital in VITALS.items()}
# What version 11 calls each page and each change of it, where no framework tells it the route.
_NO_ROUTES = ("Pageload", "Navigation")
_MILLISECONDS = {
    "nanosecond": 1e-6,
    "microsecond": 1e-3,
    "millisecond": 1.0,
    "second": 1e3,
    "minute": 60e3,
}


def transaction(payload: bytes, context: Context) -> list[Incoming]:
    """Read a transaction's measurements; nothing where no vital is among them."""
    return convert(json_object(payload), context)


def convert(event: dict[str, Any], context: Context) -> list[Incoming]:
    """Return the vitals of a transaction that is read already."""
    draft = Draft("")
    asked = request.read(event.get("request"), draft)
    common = {
        "timestamp": lenient.when(event.get("timestamp"), context.now),
        "route": event.get("transaction"),
        "url": asked.get("url"),
        "release": event.get("release"),
        "environment": event.get("environment"),
        "user_agent": request.user_agent(asked),
    }
    id_ = context.event_id or lenient.identity(event.get("event_id"))
    return list(_reports(_measured(event.get("measurements")), common, id_, context))


def span(payload: bytes, context: Context) -> list[Incoming]:
    """Read one span, or a container of them; nothing where none of them holds a vital."""
    given = json_object(payload)
    items = given["items"] if isinstance(given.get("items"), list) else [given]
    spans = [each for each in items[:SPANS] if isinstance(each, dict)]
    pages = {
        id_: _attributes(each)
        for each in spans
        if each.get("is_segment") is True and isinstance(id_ := each.get("span_id"), str)
    }
    found: list[Incoming] = []
    for each in spans:
        found += _of_span(each, pages, context)
    return found


def _attributes(given: dict[str, Any]) -> dict[str, Any]:
    data = given.get("attributes") or given.get("data")
    return data if isinstance(data, dict) else {}


def _of_span(
    given: dict[str, Any], pages: dict[str, dict[str, Any]], context: Context
) -> Iterator[Incoming]:
    """A span of either version: `data` and `measurements`, or `attributes`.

    pages: the id of a page view's own span → what is said of it. The others name it, and no URL;
    one that is sent when the page is left comes without it, and then has no route.
    """
    data = _attributes(given)
    segment = attributes.value(data, "sentry.segment.id")
    page = pages.get(segment, {}) if isinstance(segment, str) else {}
    values = dict(_measured(given.get("measurements")))
    for name, vital in _ATTRIBUTES.items():
        value = lenient.number(attributes.value(data, name))
        if value is not None:
            values[vital] = value
    if not values:
        return iter(())
    end = given.get("end_timestamp", given.get("timestamp"))
    common = {
        "timestamp": lenient.when(end, context.now),
        "route": _route(data, page),
        "url": attributes.value(data, "url.full", "url") or attributes.value(page, "url.full"),
        "release": attributes.value(data, "sentry.release", "release"),
        "environment": attributes.value(data, "sentry.environment", "environment"),
        "user_agent": attributes.value(data, "user_agent.original"),
        "navigation_type": attributes.value(data, "browser.navigation.type"),
    }
    trace = lenient.identity(given.get("trace_id"))
    return _reports(values.items(), common, trace, context)


def _route(data: dict[str, Any], page: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    name = attributes.value(data, "sentry.segment.name", "sentry.transaction", "transaction")
    return attributes.value(page, "url.path") if name in _NO_ROUTES else name


def _measured(given: object) -> Iterator[tuple[str, float]]:
    """Yield the vitals among measurements, in the units that they are kept in."""
    if not isinstance(given, Mapping):
        return
    for name, vital in VITALS.items():
        measured = given.get(name)
        if not isinstance(measured, dict):
            continue
        value = lenient.number(measured.get("value"))
        if value is not None:
            unit = measured.get("unit")
            yield vital, value * _MILLISECONDS.get(unit, 1.0) if isinstance(unit, str) else value


# Field of a metric → how long it may be.
_TEXTS = {
    "route": limits.URL,
    "url": limits.URL,
    "release": limits.RELEASE,
    "environment": limits.ENVIRONMENT,
    "user_agent": limits.USER_AGENT,
    "navigation_type": limits.WORD,
}


def _reports(
    values: Any,  # noqa: ANN401 - pairs of a vital's name and value
    common: dict[str, Any],
    metric_id: str,
    context: Context,
) -> Iterator[Incoming]:
    """Yield a report for each vital. metric_id: what the vitals of one page view have in common."""
    draft = Draft("")
    known: dict[str, Any] = {
        name: lenient.text(common.get(name), limit, name, draft) for name, limit in _TEXTS.items()
    }
    known["user_agent"] = known["user_agent"] or context.user_agent
    for name, value in values:
        report = MetricReport(
            timestamp=common["timestamp"],
            name=name,
            value=clamp(name, value, signed=False),
            metric_id=metric_id,
            address=context.sender.address,
            cut=draft.cut,
            **known,
        )
        yield incoming(METRICS, report)
