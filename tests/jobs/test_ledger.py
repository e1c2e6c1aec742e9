"""The jobs' ledger: each run recorded, each slot once, findings on their way."""

import msgspec

from equerry import clock, keys
from equerry.events.event import JOBS
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.stream import findings
from workers.jobs import ledger
from workers.jobs.job import Context, Outcome
from workers.jobs.ledger import Run


def quiet(_context: Context) -> Outcome:
    """Find nothing."""
    return Outcome({"looked": 1})


def run(context: Context, job: object = quiet, slot: str = "", *, once: bool = True) -> Run | None:
    """Run a job named `j` for a slot that is now unless said."""
    slot = slot or clock.rfc3339(context.now_ms)
    return ledger.run("j", slot, job, context, once=once, grace_seconds=60)  # type: ignore[arg-type]


def test_a_run_is_recorded(context: Context, redis: Redis) -> None:
    """Start, end, result, duration: in the ledger, and as a line for the archive."""
    ended = run(context)
    assert ended is not None
    assert (ended.result, ended.summary, ended.late_seconds) == ("ok", {"looked": 1}, 0.0)
    assert ended.duration_ms >= 0
    assert msgspec.json.decode(redis.hget(keys.jobs(), "j"), type=Run) == ended
    [(_, fields)] = redis.xrange(keys.events(keys.SITE))
    assert fields[b"k"] == JOBS.encode()
    assert msgspec.json.decode(fields[b"d"], type=Run) == ended


def test_a_slot_runs_once(context: Context) -> None:
    """Two beats that send the same due time run it once; the next due time runs."""
    assert run(context, slot="2026-11-23T03:30:00+00:00") is not None
    assert run(context, slot="2026-11-23T03:30:00+00:00") is None
    assert run(context, slot="2026-11-24T03:30:00+00:00") is not None


def test_a_sweep_runs_as_often_as_it_is_asked(context: Context, redis: Redis) -> None:
    """What does no harm twice needs no slot, and no line of the archive."""
    assert run(context, once=False) is not None
    assert run(context, once=False) is not None
    assert redis.xlen(keys.events(keys.SITE)) == 0


def test_a_fault_is_a_failed_run(context: Context) -> None:
    """The job's exception is kept with its run, and ends nothing else."""

    def broken(_context: Context) -> Outcome:
        raise ValueError("no good")

    ended = run(context, broken)
    assert ended is not None
    assert (ended.result, ended.error) == ("failed", "ValueError: no good")


def test_a_late_run_says_how_late(context: Context) -> None:
    """A run that was missed and is caught up names its delay."""
    ended = run(context, slot=clock.rfc3339(context.now_ms - 7_200_000))
    assert ended is not None
    assert 7_199 < ended.late_seconds < 7_201


def test_findings_go_to_the_decision(context: Context, redis: Redis) -> None:
    """A job sends no alert: it returns findings, and they are put where they are decided on."""
    finding = Finding("r", "r:x", Severity.LOW, "t", 1)
    run(context, lambda _context: Outcome({}, {"p1": (finding,)}))
    assert [found for _, found in findings.read(redis, "p1")] == [finding]
