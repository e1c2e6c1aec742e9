"""What a run of events adds to its releases. Pure; the same for a batch and for an archive.

A session is told of several times: when it begins, when a first error is seen in it, when it ends.
It starts and crashes in one of these each, which counts those; that it erred may be said by any
number of them, so erring sessions are counted by their ids. An aggregate has no ids, and is told
once.
"""

from collections.abc import Iterable

import msgspec

from equerry.clock import HOUR_MS
from equerry.events.event import ERRORS, SESSIONS, Event
from equerry.events.quantity import bounded
from equerry.events.report import ErrorFacts, SessionReport


class Visits(msgspec.Struct):
    """What is added to one release in one hour. Times are epoch milliseconds of receipt.

    events: errors. errored: sessions of aggregates. errored_ids: single sessions.
    """

    first_ms: int
    last_ms: int
    events: int = 0
    sessions: int = 0
    errored: int = 0
    crashed: int = 0
    abnormal: int = 0
    users: set[str] = set()
    crashed_users: set[str] = set()
    errored_ids: set[str] = set()


Tally = dict[tuple[str, int], Visits]


def tally(events: Iterable[Event]) -> Tally:
    """Count by release and by hour since the epoch; what names no release is left out."""
    added: Tally = {}
    for event in events:
        report = event.report
        if event.kind == ERRORS and isinstance(report, ErrorFacts):
            if report.release:
                _visits(added, report.release, event.received_ms).events += 1
        elif event.kind == SESSIONS and isinstance(report, SessionReport) and report.release:
            _add(_visits(added, report.release, event.received_ms), report)
    return added


def _visits(added: Tally, release: str, at_ms: int) -> Visits:
    name = (release, at_ms // HOUR_MS)
    visits = added.get(name)
    if visits is None:
        visits = added[name] = Visits(at_ms, at_ms)
    elif at_ms > visits.last_ms:
        visits.last_ms = at_ms
    elif at_ms < visits.first_ms:
        visits.first_ms = at_ms
    return visits


def _add(visits: Visits, report: SessionReport) -> None:
    visits.sessions += bounded(report.started)
    visits.crashed += bounded(report.crashed)
    visits.abnormal += bounded(report.abnormal)
    if not report.visit:
        visits.errored += bounded(report.errored)
    elif report.errored > 0:
        visits.errored_ids.add(report.visit)
    user = _user(report)
    if user:
        visits.users.add(user)
        if report.crashed > 0:
            visits.crashed_users.add(user)


def _user(report: SessionReport) -> str:
    """Return who it was, or "". A network and a browser tell visitors apart well enough to count.

    An aggregate without a user is a server's, of nobody in particular.
    """
    if report.user or not report.visit:
        return report.user
    return f"{report.address} {report.user_agent}"
