"""Cost per event with little and with much waiting: what is behind must not slow what is before.

Two Valkeys and two worker processes, one with a shallow and one with a deep stream, take turns.
"""

import sys
from pathlib import Path

from bench import events, rounds
from bench.child import BenchError, child
from bench.ground import PROJECT, SCOPE, Ground, fill, settle
from bench.plan import Fsync, Plan
from bench.report import TIMES, Goal, Row
from bench.rounds import spread
from equerry import keys

NAME = "backlog"
# A turn drains about what the shallow backlog holds, on this kind of machine.
TURN_SECONDS = 0.08
FSYNC: Fsync = "everysec"


def run(folder: Path, plan: Plan) -> list[Row]:
    """Drain a slice of each backlog in every round."""
    shallow = Ground(folder / "shallow", FSYNC)
    deep = Ground(folder / "deep", FSYNC)
    pool = events.raws()
    worker = "bench.peers.drain_worker"
    with (
        shallow.valkey() as near,
        deep.valkey() as far,
        child(worker, shallow.environ, shallow.folder) as near_worker,
        child(worker, deep.environ, deep.folder) as far_worker,
    ):
        print(f"backlog: filling {plan.deep_backlog:,} events", file=sys.stderr)
        fill(far, deep.settings, pool, plan.deep_backlog)
        settle(far)

        def cost_near() -> float:
            took, done = 0.0, 0
            while done < plan.slice_events:
                fill(near, shallow.settings, pool, plan.shallow_backlog)
                answer = near_worker.ask(scope=SCOPE, project=PROJECT, seconds=60)
                took, done = took + answer["seconds"], done + answer["events"]
            return took / done * 1e6

        def cost_far() -> float:
            took, done = 0.0, 0
            while done < plan.slice_events:
                answer = far_worker.ask(scope=SCOPE, project=PROJECT, seconds=TURN_SECONDS)
                took, done = took + answer["seconds"], done + answer["events"]
                # As much and as often as the shallow one: what is written costs the disk the same.
                fill(far, deep.settings, pool, answer["events"])
            # Behind the events also the records of issues that were new.
            if far.xlen(keys.events(SCOPE)) < plan.deep_backlog:
                raise BenchError(f"only {far.xlen(keys.events(SCOPE))} events wait")
            return took / done * 1e6

        samples = rounds.take_turns(NAME, {"deep": cost_far, "shallow": cost_near}, plan.rounds)
    return [
        Row(
            NAME,
            f"Cost per event at a backlog of {plan.deep_backlog:,},"
            f" against {plan.shallow_backlog:,}",
            TIMES,
            rounds.ratios(samples, "deep", "shallow"),
            Goal(1.2, "at most"),
            {name: f"{spread(values).median:,.0f} µs an event" for name, values in samples.items()},
            f"1 KB errors, appendfsync {FSYNC}, {plan.slice_events:,} events of each a round,"
            f" {plan.rounds} rounds",
        )
    ]
