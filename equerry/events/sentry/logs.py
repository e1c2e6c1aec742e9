"""Items `log`: lines of a site's own log, one or a container of them."""

from typing import Any

from equerry.events import limits
from equerry.events.event import LOGS
from equerry.events.intake import Incoming
from equerry.events.report import LogReport
from equerry.events.sentry import attributes, lenient
from equerry.events.sentry.context import Context, incoming, json_object
from equerry.events.sentry.lenient import Cut

LINES = 1_000


def read(payload: bytes, context: Context) -> list[Incoming]:
    """Read a line, or a container of them."""
    given = json_object(payload)
    lines = given["items"] if isinstance(given.get("items"), list) else [given]
    return [_line(each, context) for each in lines[:LINES] if isinstance(each, dict)]


def _line(given: dict[str, Any], context: Context) -> Incoming:
    cut: Cut = {}
    said = attributes.read(given.get("attributes"))
    sender = {
        name: lenient.text(said.pop(f"sentry.{name}", None), limit, name, cut)
        for name, limit in (("release", limits.RELEASE), ("environment", limits.ENVIRONMENT))
    }
    body = given.get("body")
    if isinstance(body, dict):  # OpenTelemetry's form
        body = body.get("stringValue")
    report = LogReport(
        timestamp=lenient.when(given.get("timestamp"), context.now),
        message=lenient.text(body, limits.MESSAGE, "message", cut),
        level=lenient.text(given.get("level"), limits.WORD, "level", cut) or "info",
        attributes=lenient.tree(said, "attributes", cut),
        trace=lenient.identity(given.get("trace_id")),
        user_agent=context.user_agent,
        address=context.sender.address,
        cut=cut,
        **sender,
    )
    return incoming(LOGS, report)
