"""Whether an issue comes far more often than it used to. Pure.

The events of a window that ends now are compared with the issue's own mean over the day before. As
a Poisson process passes its mean by six standard deviations less than once in ten million windows,
what does is no chance; the factor of five keeps a busy hour of an uneven day from being one.
"""

import math
from collections.abc import Mapping

import msgspec

from equerry.clock import HOUR_MS, MINUTE_MS
from equerry.events.severity import Severity
from equerry.finding import Finding

RULE = "issue-spike"
HOURS = 24
# Fewer events than this are no spike, whatever was usual.
LEAST = 20
FACTOR = 5.0
DEVIATIONS = 6.0
# A spike goes on while its windows hold this share of what makes one.
GOES_ON = 0.5
# The short window sees a steep spike within minutes, the long ones a rare issue's within the hour.
WINDOWS_MS = (5 * MINUTE_MS, 20 * MINUTE_MS, HOUR_MS)
# A run of the job may be late: a window is that much longer or shorter.
SLACK_MS = 30_000
# A new issue is news by itself; its baseline is at least this long.
LEAST_HISTORY_MS = HOUR_MS

Totals = tuple[tuple[int, int], ...]


class History(msgspec.Struct, frozen=True):
    """What is known of an issue. Times are epoch milliseconds.

    hours: hour since the epoch → events, of the running hour and the 24 before. total: events in
    all. before: when it was looked at within the last hour, and its total then, the oldest first.
    """

    now_ms: int
    first_ms: int
    total: int
    hours: Mapping[int, int]
    before: Totals = ()


class Spike(msgspec.Struct, frozen=True):
    """One window that is far above the usual. expected: events that would be usual in it."""

    minutes: float
    events: int
    expected: float


def judge(history: History, *, going_on: bool = False) -> Spike | None:
    """Return the steepest spike, None where there is none or too little is known to tell.

    going_on: whether there was one when it was looked at last; less is then enough.
    """
    share = GOES_ON if going_on else 1.0
    if not history.before or history.total - history.before[0][1] < share * LEAST:
        return None
    found = [
        spike
        for window_ms in WINDOWS_MS
        if (spike := _measure(history, window_ms)) is not None
        and spike.events >= share * threshold(spike.expected)
    ]
    return max(found, key=lambda spike: spike.events / threshold(spike.expected), default=None)


def threshold(expected: float) -> float:
    """Return the least number of events that is a spike where so many are expected."""
    return max(LEAST, FACTOR * expected, expected + DEVIATIONS * math.sqrt(expected))


def _measure(history: History, window_ms: int) -> Spike | None:
    """Compare one window with what came before it; None where either is too short."""
    start = _start(history, window_ms)
    if start is None:
        return None
    start_ms, total_then = start
    events = history.total - total_then
    begun_ms = max(history.first_ms, (history.now_ms // HOUR_MS - HOURS) * HOUR_MS)
    usual_ms = start_ms - begun_ms
    if usual_ms < LEAST_HISTORY_MS:
        return None
    usual = max(0, sum(history.hours.values()) - events)
    length_ms = history.now_ms - start_ms
    return Spike(length_ms / MINUTE_MS, events, usual * length_ms / usual_ms)


def _start(history: History, window_ms: int) -> tuple[int, int] | None:
    """Return when the window began, and the total then: the look nearest to its length."""
    looks = [
        look
        for look in history.before
        if abs(history.now_ms - look[0] - window_ms) <= max(SLACK_MS, window_ms // 2)
    ]
    return min(looks, key=lambda look: abs(history.now_ms - look[0] - window_ms), default=None)


def looked_at(history: History) -> Totals:
    """Return `before` for the next time: of the last hour, and not more than one a half minute."""
    kept = tuple(look for look in history.before if history.now_ms - look[0] <= HOUR_MS + SLACK_MS)
    if kept and history.now_ms - kept[-1][0] < SLACK_MS:
        return kept
    return (*kept, (history.now_ms, history.total))


def finding(issue: str, title: str, spike: Spike, project: str, now_ms: int) -> Finding:
    """Return what to tell. issue: its short id. title: what it is called."""
    minutes = round(spike.minutes)
    return Finding(
        rule=RULE,
        key=f"{RULE}:{issue}",
        severity=Severity.HIGH,
        title=(
            f"{issue} spikes: {spike.events:,} events in {minutes} minutes, where"
            f" {spike.expected:.3g} are usual: {title}"
        ),
        at_ms=now_ms,
        details={
            "Project": project,
            "Issue": issue,
            "Events": f"{spike.events:,} in the last {minutes} minutes",
            "Usual": f"{spike.expected:.3g}, by the mean of the day before",
        },
    )
