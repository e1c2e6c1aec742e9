"""Rounds in which the parties take turns, so that what else the machine does hits all alike."""

import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence

import msgspec

Samples = dict[str, list[float]]


class Spread(msgspec.Struct, frozen=True):
    """A median, and the least and the greatest of its rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the bounds of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def take_turns(
    label: str, parties: Mapping[str, Callable[[], float]], rounds: int, *, warm_up: bool = True
) -> Samples:
    """Run every party once a round, in turned order each other round. Returns their figures.

    warm_up: one round before, which counts for nothing.
    """
    samples: Samples = {name: [] for name in parties}
    for number in range(-1 if warm_up else 0, rounds):
        order = list(parties)[:: 1 if number % 2 == 0 else -1]
        for name in order:
            figure = parties[name]()
            if number >= 0:
                samples[name].append(figure)
        if number >= 0:
            last = ", ".join(f"{name} {values[-1]:,.4g}" for name, values in samples.items())
            print(f"{label}, round {number + 1} of {rounds}: {last}", file=sys.stderr)
    return samples


def ratios(samples: Samples, ours: str, peer: str) -> Spread:
    """Return ours over the peer's, round by round: what slows a whole round cancels out."""
    return spread([a / b for a, b in zip(samples[ours], samples[peer], strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
