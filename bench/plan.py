"""How long each benchmark runs: for the record, for a quick look, for the test that it runs."""

from typing import Literal

import msgspec

Fsync = Literal["always", "everysec"]


class Plan(msgspec.Struct, frozen=True):
    """Sizes. celery_events are fewer than what drained_bytes hold: both take a second or more."""

    fsyncs: tuple[Fsync, ...]
    """Under which `appendfsync` the ratios of rates are measured."""
    rounds: int
    drained_bytes: int
    celery_events: int
    load_seconds: float
    warm_seconds: float
    """How long the background of the latency runs beforehand, until its issues are known."""
    probes: int
    rest_seconds: float
    """Idle time of the whole before its memory is read."""
    shallow_backlog: int
    deep_backlog: int
    slice_events: int
    """How many events of each backlog a round drains."""
    many_issues: int


FULL = Plan(
    fsyncs=("everysec", "always"),
    rounds=9,
    drained_bytes=12_500_000,
    celery_events=1_000,
    load_seconds=2.5,
    warm_seconds=4.0,
    probes=60,
    rest_seconds=20.0,
    shallow_backlog=1_000,
    deep_backlog=500_000,
    slice_events=10_000,
    many_issues=10_000,
)
QUICK = Plan(
    fsyncs=("everysec", "always"),
    rounds=3,
    drained_bytes=6_250_000,
    celery_events=500,
    load_seconds=1.5,
    warm_seconds=4.0,
    probes=20,
    rest_seconds=20.0,
    shallow_backlog=1_000,
    deep_backlog=50_000,
    slice_events=3_000,
    many_issues=10_000,
)
SMOKE = Plan(
    fsyncs=("everysec",),
    rounds=1,
    drained_bytes=750_000,
    celery_events=30,
    load_seconds=0.3,
    warm_seconds=0.2,
    probes=2,
    rest_seconds=0.0,
    shallow_backlog=600,
    deep_backlog=2_000,
    slice_events=600,
    many_issues=200,
)
