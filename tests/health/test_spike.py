"""Spikes: chance makes none, a step is seen within minutes."""

import math
import random
from collections.abc import Callable, Iterator

import pytest

from equerry.clock import HOUR_MS, MINUTE_MS
from equerry.events.severity import Severity
from equerry.health import spike
from equerry.health.spike import HOURS, History, Totals

START_MS = 500_000 * HOUR_MS
DAY_MINUTES = 24 * 60


def poisson(chance: random.Random, mean: float) -> int:
    """Return a Poisson number, by multiplying chances (Knuth); means below some hundreds."""
    least, number, product = math.exp(-mean), 0, chance.random()
    while product > least:
        number += 1
        product *= chance.random()
    return number


class Issue:
    """An issue that is looked at each minute, as the job does."""

    def __init__(self, start_ms: int = START_MS) -> None:
        self.now_ms = start_ms
        self._first_ms = 0
        self._hours: dict[int, int] = {}
        self._total = 0
        self._before: Totals = ()
        self.spikes = False

    def minute(self, events: int) -> spike.Spike | None:
        """Let a minute with so many events pass, and look."""
        if events and not self._first_ms:
            self._first_ms = self.now_ms
        hour = self.now_ms // HOUR_MS
        self._hours[hour] = self._hours.get(hour, 0) + events
        self._total += events
        self.now_ms += MINUTE_MS
        if not self._first_ms:
            return None
        self._hours.pop(self.now_ms // HOUR_MS - HOURS - 1, None)
        history = History(self.now_ms, self._first_ms, self._total, self._hours, self._before)
        seen = spike.judge(history, going_on=self.spikes)
        self._before = spike.looked_at(history)
        self.spikes = seen is not None
        return seen


def minutes(rate: Callable[[int], float], seed: int) -> Iterator[int]:
    """Yield the events of each minute. rate: minute → events an hour."""
    chance = random.Random(seed)
    minute = 0
    while True:
        yield poisson(chance, rate(minute) / 60)
        minute += 1


@pytest.mark.parametrize("an_hour", [0.2, 12.0, 600.0])
def test_a_constant_rate_is_no_spike(an_hour: float) -> None:
    """Of a thousand issue-hours, of old issues and of new ones, none has a false alarm."""
    hours = 0
    for seed, days in ((1, 30), *((seed, 0.25) for seed in range(2, 48))):
        issue, arrivals = Issue(START_MS + seed * 7 * MINUTE_MS), minutes(lambda _: an_hour, seed)
        for _ in range(int(days * DAY_MINUTES)):
            assert issue.minute(next(arrivals)) is None
        hours += int(days * 24)
    assert hours >= 990


@pytest.mark.parametrize(
    ("an_hour", "within"), [(1_200.0, 4), (120.0, 4), (60.0, 5), (24.0, 12), (6.0, 45)]
)
@pytest.mark.parametrize("turn", [0, 59])
def test_ten_times_as_many_are_seen_within_minutes(an_hour: float, within: int, turn: int) -> None:
    """A step is seen soon, wherever in the hour it comes; the rarer the issue the later."""
    late = []
    for seed in range(5):
        step = DAY_MINUTES + turn

        def rate(minute: int, step: int = step) -> float:
            return an_hour * (10 if minute >= step else 1)

        issue, arrivals = Issue(), minutes(rate, seed)
        for _ in range(step):
            assert issue.minute(next(arrivals)) is None
        after = 1
        while issue.minute(next(arrivals)) is None:
            after += 1
            assert after < 3 * within
        late.append(after)
    assert sorted(late)[2] <= within


def test_twice_as_many_are_no_spike() -> None:
    """What is twice the usual is a busy hour."""
    issue, arrivals = Issue(), minutes(lambda m: 120 if m < DAY_MINUTES else 240, 3)
    for _ in range(2 * DAY_MINUTES):
        assert issue.minute(next(arrivals)) is None


def test_an_uneven_day_is_no_spike() -> None:
    """Few come by night and many by day: the busiest hour has three times the mean."""

    def rate(minute: int) -> float:
        return 60 * (1 + 1.8 * math.sin(2 * math.pi * minute / DAY_MINUTES) ** 3)

    issue, arrivals = Issue(), minutes(lambda minute: max(0.0, rate(minute)), 4)
    for _ in range(3 * DAY_MINUTES):
        assert issue.minute(next(arrivals)) is None


def test_a_new_issue_is_left_alone_for_an_hour() -> None:
    """However many come: it is news by itself, and has no usual yet."""
    issue = Issue()
    assert [issue.minute(100) for _ in range(60)] == [None] * 60


def test_a_silent_issue_that_bursts_is_a_spike() -> None:
    """Seen once, silent for days, then many at once."""
    issue = Issue()
    issue.minute(1)
    for _ in range(3 * DAY_MINUTES):
        assert issue.minute(0) is None
    found = [issue.minute(10) for _ in range(4)]
    assert found[0] is None
    assert found[3] is not None
    assert found[3].expected == 0


def test_a_spike_goes_on_until_it_is_clearly_over() -> None:
    """Around the bound it neither ends nor begins each minute; back at the usual it ends."""
    issue = Issue()
    for _ in range(DAY_MINUTES):
        issue.minute(1)
    while not issue.spikes:
        issue.minute(10)
    held = [issue.minute(4) is not None for _ in range(20)]
    assert all(held)
    for _ in range(90):
        issue.minute(1)
    assert not issue.spikes


def test_a_new_usual_is_no_spike_for_good() -> None:
    """After a day at ten times the rate that is the usual."""
    issue = Issue()
    for _ in range(DAY_MINUTES):
        issue.minute(1)
    seen = [issue.minute(10) is not None for _ in range(DAY_MINUTES)]
    assert any(seen)
    assert not any(seen[-60:])


@pytest.mark.parametrize(
    ("expected", "least"), [(0.0, 20.0), (1.0, 20.0), (4.0, 20.0), (9.0, 45.0), (100.0, 500.0)]
)
def test_threshold(expected: float, least: float) -> None:
    """At least 20, five times the usual, six deviations above it."""
    assert spike.threshold(expected) == least


def test_looks_are_bounded() -> None:
    """However often it is looked at, an hour's looks are kept, a half minute apart."""
    before: Totals = ()
    for second in range(0, 7_200, 5):
        history = History(START_MS + second * 1000, START_MS, second, {}, before)
        before = spike.looked_at(history)
    assert len(before) == 121


def test_the_finding_has_the_numbers() -> None:
    """Whoever reads it sees how many came, and how many are usual."""
    seen = spike.Spike(5.0, 1_234, 5.25)
    found = spike.finding("WEB-42", "TypeError: x", seen, "web", START_MS)
    assert (found.rule, found.key) == ("issue-spike", "issue-spike:WEB-42")
    assert found.severity is Severity.HIGH
    assert found.title == (
        "WEB-42 spikes: 1,234 events in 5 minutes, where 5.25 are usual: TypeError: x"
    )
    assert found.details["Usual"] == "5.25, by the mean of the day before"
