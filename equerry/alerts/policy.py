"""The alert policy: what is told, what is a repeat, what waits for its bundle. Pure.

Two questions, in this order, each answered with a named reason:
1. `decide`: is this cause to be told at all? (dedup by key, repeat after a while)
2. `place`: at once, or with the bundle of its group? (the first of a group at once, what follows
   within the bundle time goes out as one message)
"""

import enum

import msgspec

from equerry.finding import Finding

# One group holds findings of one severity, so those that came first stand for the others.
BUNDLE_KEPT = 50


class Reason(enum.StrEnum):
    """Why a finding is told or not."""

    FIRST = "first"
    REPEAT_DUE = "repeat-due"
    WORSE = "worse"
    DUPLICATE = "duplicate"


class Timing(enum.StrEnum):
    """When a told finding goes out."""

    LEADS_GROUP = "leads-group"
    JOINS_BUNDLE = "joins-bundle"


class AlertState(msgspec.Struct, frozen=True):
    """A finding's life so far. Times are epoch milliseconds. count: how often it was noticed."""

    finding: Finding
    first_ms: int
    last_ms: int
    told_ms: int
    count: int


class Decision(msgspec.Struct, frozen=True):
    """The new state, and whether and why the finding is told."""

    state: AlertState
    tell: bool
    reason: Reason

    @property
    def repeat(self) -> bool:
        """Whether this tells a cause again that was told before."""
        return self.tell and self.reason is Reason.REPEAT_DUE


class Group(msgspec.Struct, frozen=True):
    """A group whose first message went out: what follows waits until `until_ms`.

    waiting: the first that follow, at most BUNDLE_KEPT. more: how many follow beside them;
    the message says so, and each is in the ledger.
    """

    until_ms: int
    waiting: tuple[Finding, ...] = ()
    more: int = 0


class Bundle(msgspec.Struct, frozen=True):
    """What goes out as one message: findings by name, and how many more there were."""

    findings: tuple[Finding, ...] = ()
    more: int = 0


def decide(state: AlertState | None, finding: Finding, now_ms: int, *, repeat_ms: int) -> Decision:
    """Decide whether the finding is told; repeat_ms: how long a cause stays quiet once told."""
    if state is None:
        return Decision(
            AlertState(finding, finding.at_ms, finding.at_ms, now_ms, 1),
            tell=True,
            reason=Reason.FIRST,
        )
    if finding.severity.rank > state.finding.severity.rank:
        reason, tell = Reason.WORSE, True
    elif now_ms - state.told_ms >= repeat_ms:
        reason, tell = Reason.REPEAT_DUE, True
    else:
        reason, tell = Reason.DUPLICATE, False
    seen = AlertState(
        finding,
        state.first_ms,
        max(state.last_ms, finding.at_ms),
        now_ms if tell else state.told_ms,
        state.count + 1,
    )
    return Decision(seen, tell, reason)


def group_name(finding: Finding) -> str:
    """Return the group of a finding: what one rule finds of one severity hangs together."""
    return f"{finding.rule}:{finding.severity.value}"


def place(
    group: Group | None, finding: Finding, now_ms: int, *, bundle_ms: int
) -> tuple[Group, Timing]:
    """Send at once and open the group, or add to what waits in it.

    A group whose time is over but whose bundle still waits takes the finding along.
    """
    if group is not None and (now_ms < group.until_ms or group.waiting):
        if len(group.waiting) < BUNDLE_KEPT:
            waiting = (*group.waiting, finding)
            return Group(group.until_ms, waiting, group.more), Timing.JOINS_BUNDLE
        return Group(group.until_ms, group.waiting, group.more + 1), Timing.JOINS_BUNDLE
    return Group(now_ms + bundle_ms), Timing.LEADS_GROUP


def flush(group: Group, now_ms: int, *, bundle_ms: int) -> tuple[Group | None, Bundle]:
    """Return the group afterwards (None: over) and the bundle to send (empty: nothing yet).

    A bundle that goes out opens the next wait, so that a storm is one message per bundle time.
    """
    if now_ms < group.until_ms:
        return group, Bundle()
    if not group.waiting:
        return None, Bundle()
    return Group(now_ms + bundle_ms), Bundle(group.waiting, group.more)


def route(
    routed: tuple[str, ...],
    configured: tuple[str, ...],
    disabled: frozenset[str],
) -> tuple[str, ...]:
    """Return the channels that hear of a finding: never none.

    routed: the route of its severity. Where no channel of the route is configured and enabled, the
    first configured one that is enabled stands in; where all are disabled, the console.
    """
    usable = tuple(name for name in configured if name not in disabled)
    chosen = tuple(name for name in routed if name in usable)
    return chosen or usable[:1] or ("console",)
