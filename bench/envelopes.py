"""Events of SDKs: how fast they are drained, with few issues and with many."""

from collections.abc import Callable
from pathlib import Path

from bench import drain, rounds, sdk_events
from bench.child import Child, child
from bench.ground import PROJECT, SCOPE, Ground, fill, settle
from bench.plan import Fsync, Plan
from bench.report import TIMES, Goal, Row
from bench.rounds import Samples, spread
from equerry.redis_client import Redis

NAME = "envelopes"
FSYNC: Fsync = "everysec"
ISSUES = 300
FEW = 10
PER_SECOND = "events/s"


def run(folder: Path, plan: Plan) -> list[Row]:
    """Drain events of 5 KB and of 50 KB, then events of few issues and of many."""
    rows: list[Row] = []
    for size_kb in (5, 50):
        label = f"envelopes of {size_kb} KB"
        pool = sdk_events.raws(size_kb * sdk_events.KB, issues=ISSUES)
        peers = (drain.LOOP, drain.TASKS)
        samples = drain.measure(folder, plan, FSYNC, label, pool, peers)
        rows += _rows(samples, size_kb, plan)
    return [*rows, _by_issues(folder, plan)]


def _rows(samples: Samples, size_kb: int, plan: Plan) -> list[Row]:
    figures = {
        name: f"{spread(values).median:,.0f} {PER_SECOND}" for name, values in samples.items()
    }
    conditions = (
        f"SDK events of {size_kb} KB, {sdk_events.FRAMES} frames, {ISSUES} issues,"
        f" appendfsync {FSYNC}, {plan.rounds} rounds"
    )
    return [
        Row(
            NAME,
            f"SDK events of {size_kb} KB drained per worker process",
            PER_SECOND,
            spread(samples[drain.DRAIN]),
            Goal(3_000, "at least") if size_kb == 5 else None,
            {"drain": figures[drain.DRAIN]},
            conditions,
        ),
        Row(
            NAME,
            f"The same, {size_kb} KB, against one Celery task per event",
            TIMES,
            rounds.ratios(samples, drain.DRAIN, drain.TASKS),
            None,
            {"drain": figures[drain.DRAIN], "Celery": figures[drain.TASKS]},
            f"{conditions}; Celery prefork 1, without fsync and MULTI",
        ),
        Row(
            NAME,
            f"The same, {size_kb} KB, against a bare loop over the same stream",
            TIMES,
            rounds.ratios(samples, drain.DRAIN, drain.LOOP),
            None,
            {"drain": figures[drain.DRAIN], "loop": figures[drain.LOOP]},
            conditions,
        ),
    ]


def _by_issues(folder: Path, plan: Plan) -> Row:
    """Drain the same number of events of few issues and of many, on a Valkey and a worker each."""
    parties: dict[str, Callable[[], float]] = {}
    few, many = Ground(folder / "few-issues", FSYNC), Ground(folder / "many-issues", FSYNC)
    worker = "bench.peers.drain_worker"
    with (
        few.valkey() as few_redis,
        many.valkey() as many_redis,
        child(worker, few.environ, few.folder) as few_worker,
        child(worker, many.environ, many.folder) as many_worker,
    ):
        for name, ground, redis, drainer, issues in (
            ("many", many, many_redis, many_worker, plan.many_issues),
            ("few", few, few_redis, few_worker, FEW),
        ):
            pool = sdk_events.raws(
                5 * sdk_events.KB, count=max(issues, plan.slice_events), issues=issues, evenly=True
            )
            # All of them known beforehand: a new issue is written once in its life.
            fill(redis, ground.settings, pool, len(pool))
            drainer.ask(scope=SCOPE, project=PROJECT, seconds=120)
            parties[name] = _cost(redis, ground, drainer, pool, plan.slice_events)
        samples = rounds.take_turns("envelopes, issues", parties, plan.rounds)
    return Row(
        NAME,
        f"Cost per event with {plan.many_issues:,} issues, against {FEW}",
        TIMES,
        rounds.ratios(samples, "many", "few"),
        Goal(1.3, "at most"),
        {name: f"{spread(values).median:,.0f} µs an event" for name, values in samples.items()},
        f"SDK events of 5 KB, each issue as often as the others, appendfsync {FSYNC},"
        f" {plan.slice_events:,} events of each a round, {plan.rounds} rounds",
    )


def _cost(
    redis: Redis, ground: Ground, drainer: Child, pool: list[bytes], count: int
) -> Callable[[], float]:
    def measure() -> float:
        fill(redis, ground.settings, pool, count)
        settle(redis)
        answer = drainer.ask(scope=SCOPE, project=PROJECT, seconds=120)
        return float(answer["seconds"] / answer["events"] * 1e6)

    return measure
