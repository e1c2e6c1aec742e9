"""Items `client_report`: what an SDK itself dropped."""

from equerry.events import limits
from equerry.events.event import DROPS
from equerry.events.intake import Incoming
from equerry.events.report import DropReport
from equerry.events.sentry import lenient
from equerry.events.sentry.context import Context, incoming, json_object
from equerry.events.sentry.lenient import Cut

# SDKs know some twenty reasons, and as many categories.
DROPS_PER_REPORT = 200


def read(payload: bytes, context: Context) -> list[Incoming]:
    """Read a client's report: a drop for each reason and category that it counts."""
    given = json_object(payload)
    counted = given.get("discarded_events")
    if not isinstance(counted, list):
        return []
    at = lenient.when(given.get("timestamp"), context.now)
    found = []
    for each in counted[:DROPS_PER_REPORT]:
        if not isinstance(each, dict):
            continue
        quantity = lenient.whole(each.get("quantity"))
        if not quantity:
            continue
        cut: Cut = {}
        report = DropReport(
            timestamp=at,
            reason=lenient.text(each.get("reason"), limits.WORD, "reason", cut),
            category=lenient.text(each.get("category"), limits.WORD, "category", cut),
            quantity=quantity,
            user_agent=context.user_agent,
            address=context.sender.address,
            cut=cut,
        )
        found.append(incoming(DROPS, report))
    return found
