"""Which backups stay and which go, and why. Pure: nothing is removed here."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from equerry.clock import DAY_MS


class Reason(StrEnum):
    """Why a backup is kept, or removed. As it is shown in a plan."""

    NEWEST_GOOD = "the newest good one of a database"
    NEWEST = "the newest one of a database, not read back yet"
    SINCE_DRILL = "as old as the last good drill's, or younger"
    YOUNG = "younger than keep_days"
    DAILY = "its day's"
    WEEKLY = "its week's"
    MONTHLY = "its month's"
    EXPIRED = "nothing asks to keep it"
    OVER_BUDGET = "beyond max_bytes, and the oldest that may go"
    DAMAGED = "beyond max_bytes, and it is damaged"


# No budget takes these: what is left without them cannot be relied on.
PROTECTED = frozenset({Reason.NEWEST_GOOD, Reason.NEWEST, Reason.SINCE_DRILL})


class State(StrEnum):
    """What was last found out about a backup by reading it."""

    GOOD = "good"
    UNVERIFIED = "unverified"
    DAMAGED = "damaged"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A finished backup. created_ms: when its dump began, epoch milliseconds."""

    name: str
    created_ms: int
    bytes: int
    databases: tuple[str, ...]
    state: State


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What to keep. Each of the last keep_daily days that have a backup keeps its newest good one.

    max_bytes: of all of them together; 0 is no limit.
    """

    keep_days: int = 30
    keep_daily: int = 0
    keep_weekly: int = 0
    keep_monthly: int = 0
    max_bytes: int = 0


class Decision(msgspec.Struct, frozen=True):
    """What becomes of one backup."""

    backup: Candidate
    keep: bool
    reason: Reason


class Plan(msgspec.Struct, frozen=True):
    """What becomes of each, newest first. over_bytes: beyond the budget, and may not be removed."""

    decisions: tuple[Decision, ...]
    over_bytes: int = 0

    @property
    def kept(self) -> tuple[Decision, ...]:
        """Those that stay."""
        return tuple(each for each in self.decisions if each.keep)

    @property
    def removed(self) -> tuple[Decision, ...]:
        """Those that go."""
        return tuple(each for each in self.decisions if not each.keep)


def plan(
    backups: Iterable[Candidate],
    policy: Policy,
    *,
    zone: ZoneInfo,
    now_ms: int,
    drilled_ms: int | None,
) -> Plan:
    """Decide on each backup.

    zone: the site's, in which days, weeks (ISO 8601) and months begin. drilled_ms: when the backup
    began that the last good drill restored; None where no drill ever was good.
    """
    newest_first = sorted(backups, key=lambda each: (each.created_ms, each.name), reverse=True)
    reasons: dict[str, Reason] = {}

    def keep(chosen: Iterable[Candidate], reason: Reason) -> None:
        for each in chosen:
            reasons.setdefault(each.name, reason)

    good = [each for each in newest_first if each.state is State.GOOD]
    unread = [each for each in newest_first if each.state is State.UNVERIFIED]
    keep(_newest(good), Reason.NEWEST_GOOD)
    keep((each for each in _newest(newest_first) if each in unread), Reason.NEWEST)
    if drilled_ms is not None:
        keep((each for each in newest_first if each.created_ms >= drilled_ms), Reason.SINCE_DRILL)
    before_ms = now_ms - policy.keep_days * DAY_MS
    keep((each for each in newest_first if each.created_ms > before_ms), Reason.YOUNG)
    for number, period, reason in (
        (policy.keep_daily, _day, Reason.DAILY),
        (policy.keep_weekly, _week, Reason.WEEKLY),
        (policy.keep_monthly, _month, Reason.MONTHLY),
    ):
        keep(_one_of_each(newest_first, number, period, zone), reason)
    gone = _over_budget(newest_first, reasons, policy.max_bytes)
    decisions = tuple(_decision(each, reasons, gone) for each in newest_first)
    kept_bytes = sum(each.backup.bytes for each in decisions if each.keep)
    over_bytes = max(0, kept_bytes - policy.max_bytes) if policy.max_bytes else 0
    return Plan(decisions, over_bytes)


def _decision(backup: Candidate, reasons: dict[str, Reason], gone: dict[str, Reason]) -> Decision:
    if backup.name in gone:
        return Decision(backup, False, gone[backup.name])  # noqa: FBT003 - read beside its name
    kept_for = reasons.get(backup.name)
    return Decision(backup, kept_for is not None, kept_for or Reason.EXPIRED)


def _newest(newest_first: Sequence[Candidate]) -> list[Candidate]:
    """Return the first that has each database."""
    seen: set[str] = set()
    found = []
    for each in newest_first:
        if not seen.issuperset(each.databases):
            found.append(each)
            seen.update(each.databases)
    return found


def _one_of_each(
    newest_first: Sequence[Candidate],
    number: int,
    period: Callable[[dt.date], tuple[int, ...]],
    zone: ZoneInfo,
) -> list[Candidate]:
    """Return the newest good one of each of the last periods, or else the newest."""
    chosen: dict[tuple[int, ...], Candidate] = {}
    for each in newest_first:
        when = period(dt.datetime.fromtimestamp(each.created_ms / 1000, zone).date())
        if when not in chosen and len(chosen) == number:
            break
        held = chosen.setdefault(when, each)
        if held.state is not State.GOOD and each.state is State.GOOD:
            chosen[when] = each
    return list(chosen.values())


def _day(date: dt.date) -> tuple[int, ...]:
    return date.year, date.month, date.day


def _week(date: dt.date) -> tuple[int, ...]:
    return date.isocalendar()[:2]


def _month(date: dt.date) -> tuple[int, ...]:
    return date.year, date.month


def _over_budget(
    newest_first: Sequence[Candidate], reasons: dict[str, Reason], max_bytes: int
) -> dict[str, Reason]:
    """Return what goes for the budget's sake: damaged ones, then the oldest, as few as suffice."""
    kept = [each for each in newest_first if each.name in reasons]
    excess = sum(each.bytes for each in kept) - max_bytes if max_bytes else 0
    gone: dict[str, Reason] = {}
    may_go = [each for each in reversed(kept) if reasons[each.name] not in PROTECTED]
    for each in sorted(may_go, key=lambda each: each.state is not State.DAMAGED):
        if excess <= 0:
            break
        excess -= each.bytes
        is_damaged = each.state is State.DAMAGED
        gone[each.name] = Reason.DAMAGED if is_damaged else Reason.OVER_BUDGET
    return gone
