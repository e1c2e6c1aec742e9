"""What a batch adds beside issues: releases, monitors and what clients dropped.

`of` reads the events, `look` what is known, `write` queues the effect in the batch's transaction.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from equerry import keys
from equerry.events import drops
from equerry.events.event import DROPS, Event
from equerry.events.quantity import bounded
from equerry.events.report import CheckInReport, DropReport
from equerry.health import client_drops, monitor_store, monitors, release_store, release_tally
from equerry.redis_client import Pipeline


class Signals(NamedTuple):
    """What the events say. check_ins: with their times of receipt, by monitor."""

    visits: release_tally.Tally
    check_ins: dict[str, list[tuple[CheckInReport, int]]]
    dropped: Counter[tuple[str, str]]


def of(events: Sequence[Event]) -> Signals:
    """Return what the events say. Pure."""
    dropped: Counter[tuple[str, str]] = Counter()
    for event in events:
        if event.kind == DROPS and isinstance(event.report, DropReport):
            dropped[drops.name(event.report)] += bounded(event.report.quantity)
    return Signals(release_tally.tally(events), monitors.named(events), dropped)


def watched(scope: str, signals: Signals) -> tuple[str, ...]:
    """Return the keys that must not change between `look` and the transaction."""
    return (keys.monitors(scope),) if signals.check_ins else ()


def look(pipe: Pipeline, scope: str, signals: Signals, project: str) -> monitors.Update:
    """Return what becomes of the monitors, given what is known of them. project: its slug."""
    if not signals.check_ins:
        return monitors.Update({}, ())
    known = monitor_store.known(pipe, scope, signals.check_ins)
    return monitors.update(signals.check_ins, known, monitor_store.room(pipe, scope), project)


def write(pipe: Pipeline, scope: str, signals: Signals, update: monitors.Update) -> None:
    """Queue all of it."""
    release_store.write(pipe, scope, signals.visits)
    monitor_store.write(pipe, scope, update.monitors)
    client_drops.write(pipe, scope, signals.dropped)
