"""Items `session` and `sessions`: how visits of a release went."""

from typing import Any

from equerry.events import limits
from equerry.events.event import SESSIONS
from equerry.events.fields import Draft
from equerry.events.intake import Incoming
from equerry.events.report import SessionReport
from equerry.events.sentry import lenient, people
from equerry.events.sentry.context import Context, incoming, json_object

AGGREGATES = 100
_ENDED_BADLY = ("crashed", "abnormal")
_ERRORED = ("errored", "unhandled")  # no set: what was sent may have no hash


def one(payload: bytes, context: Context) -> list[Incoming]:
    """Read an update of one session; nothing where it names no release."""
    session = json_object(payload)
    draft = Draft("")
    common = _common(session, context, draft)
    if not common["release"]:
        return []
    status = session.get("status")
    crashed, abnormal = (int(status == name) for name in _ENDED_BADLY)
    errored = lenient.whole(session.get("errors")) > 0 or status in _ERRORED
    report = SessionReport(
        timestamp=lenient.when(session.get("timestamp"), context.now),
        started=int(session.get("init") is True),
        errored=int(errored or crashed or abnormal),
        crashed=crashed,
        abnormal=abnormal,
        visit=lenient.text(session.get("sid"), limits.METRIC_ID, "visit", draft),
        user=_user(session, context),
        cut=draft.cut,
        **common,
    )
    return [incoming(SESSIONS, report)]


def many(payload: bytes, context: Context) -> list[Incoming]:
    """Read aggregates, a report each; nothing where they name no release."""
    sessions = json_object(payload)
    draft = Draft("")
    common = _common(sessions, context, draft)
    given = sessions.get("aggregates")
    if not common["release"] or not isinstance(given, list):
        return []
    if len(given) > AGGREGATES:
        draft.cut["aggregates"] = len(given)
    found = []
    for aggregate in given[:AGGREGATES]:
        if not isinstance(aggregate, dict):
            continue
        crashed, abnormal = (lenient.whole(aggregate.get(name)) for name in _ENDED_BADLY)
        errored = lenient.whole(aggregate.get("errored")) + crashed + abnormal
        report = SessionReport(
            timestamp=lenient.when(aggregate.get("started"), context.now),
            started=lenient.whole(aggregate.get("exited")) + errored,
            errored=errored,
            crashed=crashed,
            abnormal=abnormal,
            user=_user(aggregate, context),
            cut=draft.cut,
            **common,
        )
        found.append(incoming(SESSIONS, report))
    return found


def _common(session: dict[str, Any], context: Context, draft: Draft) -> dict[str, str]:
    given = session.get("attrs")
    attrs = given if isinstance(given, dict) else {}
    user_agent = lenient.text(attrs.get("user_agent"), limits.USER_AGENT, "user_agent", draft)
    return {
        "release": lenient.text(attrs.get("release"), limits.RELEASE, "release", draft),
        "environment": lenient.text(
            attrs.get("environment"), limits.ENVIRONMENT, "environment", draft
        ),
        "user_agent": user_agent or context.user_agent,
        "address": context.sender.address,
    }


def _user(session: dict[str, Any], context: Context) -> str:
    """Return a pseudonym: SDKs put into `did` an id, an e-mail address or a name alike."""
    did = session.get("did")
    return people.pseudonym(did, context.sender.realm) if isinstance(did, str) and did else ""
