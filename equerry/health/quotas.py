"""What is worth telling of a project's quotas: used up, or nearly. Pure.

The door counts what it accepts in fixed windows of UTC, and notes the window that it refuses in.
"""

from collections.abc import Mapping

import msgspec

from equerry import clock
from equerry.events.severity import Severity
from equerry.finding import Finding

USED_UP = "quota-used-up"
NEARLY_USED_UP = "quota-nearly-used-up"
# Beyond this there is still time to act. A minute is over before anybody could.
NEARLY = 0.8
WINDOW_MS = {"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Usage(msgspec.Struct, frozen=True):
    """One window. accepted: events in the present one. Times are starts of windows, epoch ms.

    refused_ms: the one in which the door refused last; told_ms, warned_ms: those that were told of
    as used up, and as nearly so; 0 is never.
    """

    window: str
    quota: int
    accepted: int
    refused_ms: int = 0
    told_ms: int = 0
    warned_ms: int = 0


def judge(usage: Usage, project: str, now_ms: int) -> Finding | None:
    """Return a finding for a window that was not told of: one that refused, or nearly full."""
    if usage.refused_ms > usage.told_ms:
        ends_ms = usage.refused_ms + WINDOW_MS[usage.window]
        return _finding(
            USED_UP,
            usage,
            f"{project} used up its quota of {usage.quota:,} events a {usage.window}: more is"
            f" refused until {clock.rfc3339(ends_ms)[:19]}Z",
            {"Project": project, "Quota": f"{usage.quota:,} events a {usage.window}"},
            now_ms,
        )
    start_ms = now_ms - now_ms % WINDOW_MS[usage.window]
    nearly = usage.window != "minute" and usage.accepted >= NEARLY * usage.quota
    if nearly and max(usage.warned_ms, usage.told_ms) < start_ms:
        share = usage.accepted / usage.quota
        return _finding(
            NEARLY_USED_UP,
            usage,
            f"{project} used {share:.0%} of its quota of {usage.quota:,} events a {usage.window}",
            {"Project": project, "Accepted": f"{usage.accepted:,} in this {usage.window}"},
            now_ms,
        )
    return None


def _finding(
    rule: str, usage: Usage, title: str, details: Mapping[str, str], now_ms: int
) -> Finding:
    return Finding(
        rule=rule,
        key=f"{rule}:{usage.window}",
        severity=Severity.MEDIUM if rule == USED_UP else Severity.LOW,
        title=title,
        at_ms=now_ms,
        details=dict(details),
    )


def told(usage: Usage, finding: Finding, now_ms: int) -> tuple[str, int]:
    """Return what to note so that this window is not told of again: the field, and its start."""
    if finding.rule == USED_UP:
        return f"told-{usage.window}", usage.refused_ms
    return f"warned-{usage.window}", now_ms - now_ms % WINDOW_MS[usage.window]
