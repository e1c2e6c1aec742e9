"""Items `feedback` and the older `user_report`: what a visitor wrote."""

from typing import Any

from equerry.events import limits
from equerry.events.event import FEEDBACK
from equerry.events.intake import Incoming
from equerry.events.report import FeedbackReport
from equerry.events.sentry import lenient
from equerry.events.sentry.context import Context, incoming, json_object
from equerry.events.sentry.lenient import Cut

# Field of a report → its names in both items, and how long it may be.
_TEXTS = {
    "message": (("message", "comments"), limits.MESSAGE),
    "name": (("name",), limits.NAME),
    "email": (("contact_email", "email"), limits.NAME),
    "url": (("url",), limits.URL),
    "release": (("release",), limits.RELEASE),
    "environment": (("environment",), limits.ENVIRONMENT),
}


def read(payload: bytes, context: Context) -> list[Incoming]:
    """Read what was written; its own id is the envelope's, the error's stands beside it."""
    event = json_object(payload)
    contexts = event.get("contexts")
    given = contexts.get("feedback") if isinstance(contexts, dict) else None
    written: dict[str, Any] = {**event, **(given if isinstance(given, dict) else {})}
    id_ = context.event_id or lenient.identity(event.get("event_id"))
    return [_report(written, written.get("associated_event_id"), id_, context)]


def user_report(payload: bytes, context: Context) -> list[Incoming]:
    """Read the older form, whose `event_id` is the error's."""
    given = json_object(payload)
    return [_report(given, given.get("event_id"), "", context)]


def _report(written: dict[str, Any], about: object, id_: str, context: Context) -> Incoming:
    cut: Cut = {}
    texts = {
        field: next(
            (
                text
                for name in names
                if (text := lenient.text(written.get(name), limit, field, cut))
            ),
            "",
        )
        for field, (names, limit) in _TEXTS.items()
    }
    report = FeedbackReport(
        timestamp=lenient.when(written.get("timestamp"), context.now),
        event=lenient.identity(about),
        tags=lenient.texts(written.get("tags"), limits.TAGS, "tags", cut),
        user_agent=context.user_agent,
        address=context.sender.address,
        cut=cut,
        **texts,
    )
    return incoming(FEEDBACK, report, id_)
