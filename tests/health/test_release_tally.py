"""How sessions add up: what is told of one session several times counts once."""

import pytest

from equerry.clock import HOUR_MS
from equerry.events.event import ERRORS, LOGS, SESSIONS, Event
from equerry.events.quantity import MOST
from equerry.events.report import ErrorReport, LogReport, Report, SessionReport
from equerry.health.release_tally import Visits, tally

AT_MS = 500_000 * HOUR_MS
NAME = ("web@1", 500_000)


def event(report: Report, kind: str = SESSIONS, at_ms: int = AT_MS) -> Event:
    """Return an event as the stages leave it."""
    return Event(
        stream_id="1-0", id="", kind=kind, project=1, received_ms=at_ms, raw=b"", report=report
    )


def session(visit: str = "v1", user: str = "u1", **numbers: int) -> Event:
    """Return an update of one session."""
    return event(SessionReport(timestamp="t", release="web@1", visit=visit, user=user, **numbers))


BEGUN = session(started=1)
ERRED = session(errored=1)
CRASHED = session(errored=1, crashed=1)


@pytest.mark.parametrize(
    ("told", "sessions", "erred", "crashed", "crashed_users"),
    [
        ([BEGUN], 1, 0, 0, 0),
        ([BEGUN, session()], 1, 0, 0, 0),
        ([BEGUN, ERRED, session(errored=1)], 1, 1, 0, 0),
        ([BEGUN, ERRED, CRASHED], 1, 1, 1, 1),
        ([session(started=1, errored=1, crashed=1)], 1, 1, 1, 1),
        ([BEGUN, CRASHED, session("v2", started=1)], 2, 1, 1, 1),
        ([BEGUN, session("v2", "u2", started=1), session("v2", "u2", crashed=1)], 2, 0, 1, 1),
        ([ERRED], 0, 1, 0, 0),
    ],
)
def test_updates_of_a_session(
    told: list[Event], sessions: int, erred: int, crashed: int, crashed_users: int
) -> None:
    """It starts where it begins, crashes where it ends, and erred once however often told."""
    [(name, visits)] = tally(told).items()
    assert name == NAME
    assert (visits.sessions, visits.crashed) == (sessions, crashed)
    assert len(visits.errored_ids) == erred
    assert len(visits.crashed_users) == crashed_users


def test_an_aggregate_adds_its_sums() -> None:
    """A server's sessions have no ids, and nobody is their user."""
    counts = {"started": 100, "errored": 7, "crashed": 2, "abnormal": 1}
    added = tally([session("", "", **counts), session("", "", started=50)])
    assert added == {NAME: Visits(AT_MS, AT_MS, sessions=150, errored=7, crashed=2, abnormal=1)}


def test_who_is_a_user() -> None:
    """Without an id a network and a browser tell visitors apart."""
    one = SessionReport(
        timestamp="t", release="web@1", visit="v", address="10.1.2.0/24", user_agent="Firefox"
    )
    other = SessionReport(
        timestamp="t", release="web@1", visit="w", address="10.1.3.0/24", user_agent="Firefox"
    )
    added = tally([event(one), event(one), event(other), session(user="u1")])
    assert len(added[NAME].users) == 3


def test_hours_and_releases_are_apart() -> None:
    """Each release has its own, by the hour of receipt; errors count as its events."""
    error = ErrorReport(timestamp="t", message="boom", level="error", release="web@2")
    log = LogReport(timestamp="t", message="x", release="web@2")
    added = tally(
        [
            event(error, ERRORS, AT_MS + 5),
            event(error, ERRORS, AT_MS + HOUR_MS),
            event(log, LOGS),
            event(ErrorReport(timestamp="t", message="boom", level="error"), ERRORS),
            BEGUN,
        ]
    )
    assert {name: visits.events for name, visits in added.items()} == {
        ("web@2", 500_000): 1,
        ("web@2", 500_001): 1,
        NAME: 0,
    }


@pytest.mark.parametrize(("told", "counted"), [(10**30, MOST), (-5, 0), (3, 3)])
def test_numbers_are_within_what_is_believed(told: int, counted: int) -> None:
    """No stranger's number overflows a counter or takes from it."""
    assert tally([session("", "", started=told)])[NAME].sessions == counted
