"""An envelope into reports: which type of item has which reader."""

import secrets
from collections import Counter
from typing import Any

from equerry.errors import Cause, Refused
from equerry.events.event import ERRORS
from equerry.events.fields import moment
from equerry.events.intake import Incoming, Intake, Sender
from equerry.events.sentry import (
    browser_reports,
    check_ins,
    client_reports,
    envelope,
    error,
    feedback,
    lenient,
    logs,
    sessions,
    vitals,
)
from equerry.events.sentry.context import Context, Reader

ITEM_BYTES = 1024 * 1024
# What one envelope may become: a container of logs holds many.
REPORTS = 1_000

READERS: dict[str, Reader] = {
    "event": error.read,
    "session": sessions.one,
    "sessions": sessions.many,
    "transaction": vitals.transaction,
    "span": vitals.span,
    "check_in": check_ins.read,
    "client_report": client_reports.read,
    "log": logs.read,
    "feedback": feedback.read,
    "user_report": feedback.user_report,
}
# What SDKs send and Equerry has no use for; any other type that it does not know counts as OTHER.
SKIPPED = frozenset(
    {
        "attachment",
        "profile",
        "profile_chunk",
        "replay_event",
        "replay_recording",
        "replay_video",
        "statsd",
        "metric_meta",
        "trace_metric",
    }
)
OTHER = "other"
# The header's id is that of the one item of these; a second one, which no SDK sends, has its own.
_NAMED = frozenset({"event", "transaction", "feedback"})


def read(raw: bytes, sender: Sender, now_ms: int) -> Intake:
    """Read an envelope: the reports in it, the faults of what is none, and what was skipped.

    What has faults counts as skipped: nobody names it where something else was taken.

    Raises Refused where the framing does not hold.
    """
    whole = envelope.split(raw)
    header_id = lenient.identity(whole.header.event_id)
    context = Context(header_id, sender, moment(now_ms))
    accepted: list[Incoming] = []
    causes: list[Cause] = []
    skipped: Counter[str] = Counter()
    status = 400
    for index, item in enumerate(whole.items):
        reader = READERS.get(item.type)
        if reader is None:
            skipped[item.type if item.type in SKIPPED else OTHER] += 1
        elif len(accepted) >= REPORTS:
            skipped[OTHER] += 1
        elif len(item.payload) > ITEM_BYTES:
            status = 413
            skipped[item.type] += 1
            causes.append(Cause(f"items[{index}]", "is too large", f"{ITEM_BYTES} bytes"))
        else:
            try:
                found = reader(bytes(item.payload), context)
                accepted += found
                if item.type in _NAMED and found:
                    context = context._replace(event_id="")
                skipped[item.type] += not found
            except Refused as refused:
                skipped[item.type] += 1
                causes += (
                    Cause(f"items[{index}]", cause.problem, cause.limit) for cause in refused.causes
                )
    if len(accepted) > REPORTS:
        skipped[OTHER] += len(accepted) - REPORTS
        del accepted[REPORTS:]
    id_ = header_id or next((each.id for each in accepted if each.kind == ERRORS), "")
    return Intake(tuple(accepted), tuple(causes), id=id_, status=status, skipped=dict(+skipped))


def event(raw: bytes, sender: Sender, now_ms: int) -> Intake:
    """Read a lone event, as `/store/` takes it. Raises Refused where it is no JSON object."""
    if len(raw) > ITEM_BYTES:
        cause = Cause("body", "is too large", f"{ITEM_BYTES} bytes")
        raise Refused(413, "the event is too large", (cause,))
    context = Context("", sender, moment(now_ms))
    taken = error.read(raw, context)
    return Intake(tuple(taken), (), id=taken[0].id if taken else "")


def check_in(given: dict[str, Any], slug: str, sender: Sender, now_ms: int) -> Intake:
    """Read a check-in as `/cron/` takes it; one without an id gets one, to be ended by.

    Raises Refused where it says no status.
    """
    context = Context("", sender, moment(now_ms))
    id_ = check_ins.identity(given.get("check_in_id")) or secrets.token_hex(16)
    taken = check_ins.convert({**given, "check_in_id": id_}, slug, context)
    return Intake((taken,), (), id=id_)


def browser(raw: bytes, sender: Sender, now_ms: int) -> Intake:
    """Read what a browser reports by itself. Raises Refused where it is no report of one."""
    context = Context("", sender, moment(now_ms))
    return Intake(tuple(browser_reports.read(raw, context, now_ms)), ())
