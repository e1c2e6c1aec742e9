"""Events drained per worker process: against a Celery task per event, and against a bare loop."""

import functools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from celery import Celery

from bench import events, rounds
from bench.child import BenchError, Child, child
from bench.ground import PROJECT, SCOPE, Ground, fill, settle
from bench.peers import celery_tasks
from bench.plan import Fsync, Plan
from bench.report import TIMES, Goal, Row
from bench.rounds import Samples, spread
from equerry import clock, keys, queue
from equerry.redis_client import Redis

NAME = "drain"
DRAIN = "drain"
LOOP, MEMORY, TASKS = PEERS = ("bare loop", "loop without Redis", "Celery task per event")
POLL_SECONDS = 0.005
GIVE_UP_SECONDS = 120.0
# The stream's name of Celery's messages until they are handed over, all at once.
ASIDE = "bench-aside"
CELERY = (
    *(sys.executable, "-m", "celery", "--app", "bench.peers.celery_tasks", "worker"),
    *("--pool", "prefork", "--concurrency", "1", "--queues", celery_tasks.QUEUE),
    *("--without-mingle", "--without-gossip", "--loglevel", "warning"),
)


def run(folder: Path, plan: Plan) -> list[Row]:
    """Measure under both settings of the append-only file."""
    rows: list[Row] = []
    for fsync in plan.fsyncs:
        label = f"drain, {fsync}"
        pool = events.raws()
        rows += _rows(fsync, measure(folder, plan, fsync, label, pool, peers=PEERS), plan)
    return rows


def measure(
    folder: Path, plan: Plan, fsync: Fsync, label: str, pool: list[bytes], peers: Sequence[str]
) -> Samples:
    """Drain the pool's events, and have some of PEERS do so, in turns. Returns events a second."""
    ground = Ground(folder / label.replace(", ", "-").replace(" ", "-"), fsync)
    count = plan.drained_bytes // (sum(map(len, pool)) // len(pool))
    with (
        ground.valkey() as redis,
        child("bench.peers.drain_worker", ground.environ, ground.folder) as drainer,
        child("bench.peers.bare_loop", ground.environ, ground.folder) as bare,
        ground.running(CELERY),
    ):
        filled = functools.partial(fill, redis, ground.settings, pool)
        parties: dict[str, Callable[[], float]] = {
            DRAIN: lambda: _drained(redis, drainer, filled, count),
            LOOP: lambda: _looped(redis, bare, filled, count),
            MEMORY: lambda: _rate(bare.ask(count=count), count),
            TASKS: lambda: _tasks(redis, ground, pool, plan.celery_events),
        }
        chosen = {name: parties[name] for name in (DRAIN, *peers)}
        return rounds.take_turns(label, chosen, plan.rounds)


def _drained(redis: Redis, drainer: Child, filled: Callable[[int], int], count: int) -> float:
    _clear(redis)
    filled(count)
    return _rate(drainer.ask(scope=SCOPE, project=PROJECT, seconds=GIVE_UP_SECONDS), count)


def _looped(redis: Redis, bare: Child, filled: Callable[[int], int], count: int) -> float:
    _clear(redis)
    filled(count)
    return _rate(bare.ask(scope=SCOPE), count)


def _rate(answer: dict[str, float], count: int) -> float:
    if answer["events"] != count:
        raise BenchError(f"{answer['events']} events done instead of {count}")
    return count / answer["seconds"]


def _clear(redis: Redis) -> None:
    """Forget everything of the project; Celery's own keys stay."""
    for key in redis.scan_iter("{p1}:*", count=1000):
        redis.unlink(key)
    settle(redis)


def _tasks(redis: Redis, ground: Ground, pool: list[bytes], count: int) -> float:
    """Queue the tasks aside, hand them over at once, and watch the project's own counter."""
    _clear(redis)
    batch = events.entries(pool, count)
    # One of its own: the worker's reads its settings from the environment of the ground.
    app = Celery("bench", broker=queue.broker_url(ground.settings), set_as_current=False)
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for entry in batch:
            arguments = (SCOPE, PROJECT, entry.id, entry.received_ms, entry.data.decode())
            app.send_task(
                celery_tasks.TASK, arguments, queue=ASIDE, producer=producer, ignore_result=True
            )
    counters = {keys.counts(SCOPE, clock.day(entry.received_ms)) for entry in batch}

    def done() -> int:
        return sum(int(redis.hget(counter, "errors") or 0) for counter in counters)

    redis.rename(ASIDE, celery_tasks.QUEUE)
    deadline = time.monotonic() + GIVE_UP_SECONDS
    began, at_begin = 0.0, 0
    while (so_far := done()) < count:
        if so_far and not began:
            began, at_begin = time.perf_counter(), so_far
        if time.monotonic() > deadline:
            raise BenchError(f"Celery did {so_far} of {count}; see {ground.folder}/log")
        time.sleep(POLL_SECONDS)
    return (count - at_begin) / (time.perf_counter() - began)


def _rows(fsync: Fsync, samples: Samples, plan: Plan) -> list[Row]:
    figures = {name: f"{spread(values).median:,.0f} events/s" for name, values in samples.items()}
    ours = {"drain": figures[DRAIN]}
    conditions = f"1 KB errors, appendfsync {fsync}, {plan.rounds} rounds"
    return [
        Row(
            NAME,
            "Drained per worker process, against one Celery task per event",
            TIMES,
            rounds.ratios(samples, DRAIN, TASKS),
            Goal(12, "at least"),
            ours | {"Celery": figures[TASKS]},
            f"{conditions}; Celery prefork 1, without fsync and MULTI",
        ),
        Row(
            NAME,
            "Drained per worker process, against a bare loop over the same stream",
            TIMES,
            rounds.ratios(samples, DRAIN, LOOP),
            Goal(0.5, "at least"),
            ours | {"loop": figures[LOOP]},
            f"{conditions}; loop: XREADGROUP 500, msgspec parse, SHA-256, write, fsync, XACK, XDEL",
        ),
        Row(
            NAME,
            "The same, against the bare loop without any Redis",
            TIMES,
            rounds.ratios(samples, DRAIN, MEMORY),
            None,
            ours | {"loop": figures[MEMORY]},
            f"{conditions}; the bytes lie in memory already",
        ),
    ]
