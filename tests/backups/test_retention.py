"""The retention plan: what stays, what goes, and why."""

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from equerry.backups.retention import PROTECTED, Candidate, Policy, Reason, State, plan
from equerry.clock import DAY_MS

LONDON = ZoneInfo("Europe/London")
NOW_MS = int(dt.datetime(2026, 11, 25, 12, tzinfo=LONDON).timestamp() * 1000)
NIGHT = dt.datetime(2026, 11, 25, 2, tzinfo=LONDON)
GOOD, UNREAD, DAMAGED = State.GOOD, State.UNVERIFIED, State.DAMAGED


def at(days_ago: int, state: State = GOOD, *databases: str, size: int = 10) -> Candidate:
    """Return the backup of a night, 02:00 site time; `d0` is last night's."""
    when = NIGHT - dt.timedelta(days=days_ago)
    return Candidate(
        name=f"d{days_ago}",
        created_ms=int(when.timestamp() * 1000),
        bytes=size,
        databases=databases or ("shop",),
        state=state,
    )


def decided(
    backups: list[Candidate], policy: Policy, drilled: Candidate | None = None
) -> dict[str, tuple[bool, Reason]]:
    """Return name → (kept, reason)."""
    drilled_ms = drilled.created_ms if drilled else None
    made = plan(backups, policy, zone=LONDON, now_ms=NOW_MS, drilled_ms=drilled_ms)
    return {each.backup.name: (each.keep, each.reason) for each in made.decisions}


def kept(backups: list[Candidate], policy: Policy, drilled: Candidate | None = None) -> set[str]:
    """Return the names of those that stay."""
    return {name for name, (stays, _) in decided(backups, policy, drilled).items() if stays}


NOTHING = Policy(keep_days=0)


@pytest.mark.parametrize(
    ("backups", "policy", "expected"),
    [
        ([], Policy(), set()),
        ([at(0), at(29), at(31)], Policy(), {"d0", "d29"}),
        ([at(100)], NOTHING, {"d100"}),
        ([at(0, UNREAD), at(50), at(60)], NOTHING, {"d0", "d50"}),
        ([at(0, DAMAGED), at(50), at(60)], NOTHING, {"d50"}),
        ([at(0, UNREAD), at(1, UNREAD), at(2, UNREAD)], NOTHING, {"d0"}),
        ([at(40, GOOD, "shop"), at(50, GOOD, "shop", "old")], NOTHING, {"d40", "d50"}),
        ([at(40, GOOD, "shop", "old"), at(50, GOOD, "old")], NOTHING, {"d40"}),
        ([at(n) for n in range(10)], Policy(keep_days=0, keep_daily=3), {"d0", "d1", "d2"}),
        # 25 November 2026 is a Wednesday: its week began two days ago.
        (
            [at(n) for n in range(20)],
            Policy(keep_days=0, keep_weekly=3),
            {"d0", "d3", "d10"},
        ),
        (
            [at(n) for n in range(70)],
            Policy(keep_days=0, keep_monthly=3),
            {"d0", "d25", "d56"},
        ),
        # Days without a backup count for none.
        ([at(0), at(100), at(200)], Policy(keep_days=0, keep_daily=2), {"d0", "d100"}),
        (
            [at(0), at(3, UNREAD), at(4), at(5)],
            Policy(keep_days=0, keep_weekly=2),
            {"d0", "d4"},
        ),
    ],
)
def test_what_is_kept(backups: list[Candidate], policy: Policy, expected: set[str]) -> None:
    """Young ones, one a day, week or month, and always the newest good one of each database."""
    assert kept(backups, policy) == expected
    assert kept(backups[::-1], policy) == expected


def test_a_day_is_the_sites() -> None:
    """23:30 and 00:30 of London's summer are two days, though one of UTC."""
    evening = dt.datetime(2026, 7, 1, 23, 30, tzinfo=LONDON)
    two = [
        msgspec.structs.replace(
            at(0), name=name, created_ms=int((evening + dt.timedelta(hours=h)).timestamp() * 1000)
        )
        for name, h in (("evening", 0), ("night", 1))
    ]
    daily = Policy(keep_days=0, keep_daily=2)
    assert kept(two, daily) == {"evening", "night"}
    made = plan(two, daily, zone=ZoneInfo("UTC"), now_ms=NOW_MS, drilled_ms=None)
    assert [each.backup.name for each in made.kept] == ["night"]


def test_nothing_since_the_last_good_drill_goes() -> None:
    """What was proven to restore stays, and whatever came after it."""
    backups = [at(n) for n in (0, 40, 50, 60)]
    assert kept(backups, NOTHING, drilled=backups[2]) == {"d0", "d40", "d50"}
    assert decided(backups, NOTHING, drilled=backups[2])["d40"] == (True, Reason.SINCE_DRILL)


def test_the_budget_takes_damaged_ones_and_then_the_oldest() -> None:
    """As few as suffice, and never one that is protected."""
    backups = [at(0), at(1), at(2, DAMAGED), at(3), at(4)]
    assert decided(backups, Policy(max_bytes=45)) == {
        "d0": (True, Reason.NEWEST_GOOD),
        "d1": (True, Reason.YOUNG),
        "d2": (False, Reason.DAMAGED),
        "d3": (True, Reason.YOUNG),
        "d4": (True, Reason.YOUNG),
    }
    assert decided(backups, Policy(max_bytes=25))["d4"] == (False, Reason.OVER_BUDGET)
    assert kept(backups, Policy(max_bytes=25)) == {"d0", "d1"}
    assert kept(backups, Policy(max_bytes=1)) == {"d0"}
    assert kept(backups, Policy(max_bytes=1), drilled=backups[3]) == {"d0", "d1", "d2", "d3"}


def test_a_budget_that_cannot_be_held_is_said() -> None:
    """What is protected stays, and the plan says by how much it is too large."""
    made = plan([at(0)], Policy(max_bytes=4), zone=LONDON, now_ms=NOW_MS, drilled_ms=None)
    assert (len(made.kept), made.over_bytes) == (1, 6)


candidates = st.lists(
    st.builds(
        Candidate,
        name=st.uuids().map(str),
        created_ms=st.integers(NOW_MS - 800 * DAY_MS, NOW_MS),
        bytes=st.integers(0, 1_000),
        databases=st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple),
        state=st.sampled_from(State),
    ),
    max_size=40,
    unique_by=lambda each: each.name,
)
numbers = st.integers(0, 12)
policies = st.builds(
    Policy,
    keep_days=st.integers(0, 400),
    keep_daily=numbers,
    keep_weekly=numbers,
    keep_monthly=numbers,
    max_bytes=st.integers(0, 5_000),
)


@given(candidates, policies, st.none() | st.integers(NOW_MS - 800 * DAY_MS, NOW_MS))
def test_what_always_holds(
    backups: list[Candidate], policy: Policy, drilled_ms: int | None
) -> None:
    """Whatever there is and whatever is asked: nothing that must stay goes."""
    made = plan(backups, policy, zone=LONDON, now_ms=NOW_MS, drilled_ms=drilled_ms)
    stays = {each.backup.name for each in made.kept}
    goes = {each.backup.name for each in made.removed}
    assert stays | goes == {each.name for each in backups}
    assert len(made.decisions) == len(backups)
    for database in "abcd":
        good = [each for each in backups if database in each.databases and each.state is GOOD]
        if good:
            newest_ms = max(each.created_ms for each in good)
            assert any(each.name in stays for each in good if each.created_ms == newest_ms)
    if drilled_ms is not None:
        assert stays >= {each.name for each in backups if each.created_ms >= drilled_ms}
    total = sum(each.backup.bytes for each in made.kept)
    if policy.max_bytes and total > policy.max_bytes:
        assert {each.reason for each in made.kept} <= PROTECTED
        assert made.over_bytes == total - policy.max_bytes
    else:
        assert made.over_bytes == 0
    if not policy.max_bytes:
        young = {e.name for e in backups if e.created_ms > NOW_MS - policy.keep_days * DAY_MS}
        assert stays >= young
    again = plan(
        [each.backup for each in made.kept],
        policy,
        zone=LONDON,
        now_ms=NOW_MS,
        drilled_ms=drilled_ms,
    )
    assert not again.removed
