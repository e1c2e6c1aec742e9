"""Runs a job and keeps its record: start, end, result, duration."""

import logging
import uuid
from collections.abc import Callable

import msgspec

from equerry import clock, keys
from equerry.events.event import JOBS
from equerry.stream import entry, findings
from workers.jobs.job import Context, Outcome

log = logging.getLogger(__name__)

SLOT_SECONDS = 7 * 86_400


class Run(msgspec.Struct, frozen=True):
    """One run of a job. result: `running`, `ok` or `failed`. Times are RFC 3339."""

    timestamp: str
    job: str
    slot: str
    result: str
    late_seconds: float = 0.0
    ended_at: str = ""
    duration_ms: int = 0
    summary: dict[str, int | float | str] = {}
    error: str = ""


def run(
    name: str,
    slot: str,
    job: Callable[[Context], Outcome],
    context: Context,
    *,
    once: bool,
    grace_seconds: float,
) -> Run | None:
    """Run the job for this slot and record it; None where another has the slot.

    An exception of the job ends in the record and the log, not here.
    """
    redis = context.redis
    if once and not redis.set(keys.job_slot(name, slot), b"1", nx=True, ex=SLOT_SECONDS):
        return None
    late = max(0.0, context.now_ms / 1000 - clock.parse_ms(slot) / 1000)
    if late > grace_seconds:
        log.warning("job-late", extra={"job": name, "slot": slot, "late_seconds": round(late)})
    started = Run(clock.rfc3339(context.now_ms), name, slot, "running", round(late, 3))
    redis.hset(keys.jobs(), name, msgspec.json.encode(started))
    try:
        outcome = job(context)
        result, error = "ok", ""
    except Exception as fault:
        log.exception("job-failed", extra={"job": name, "slot": slot})
        outcome, result, error = Outcome(), "failed", f"{type(fault).__name__}: {fault}"
    ended_ms = clock.now_ms()
    ended = msgspec.structs.replace(
        started,
        result=result,
        ended_at=clock.rfc3339(ended_ms),
        duration_ms=ended_ms - context.now_ms,
        summary=outcome.summary,
        error=error,
    )
    _record(context, ended, outcome, archived=once)
    return ended


def _record(context: Context, ended: Run, outcome: Outcome, *, archived: bool) -> None:
    line = msgspec.json.encode(ended)
    pipe = context.redis.pipeline(transaction=True)
    pipe.hset(keys.jobs(), ended.job, line)
    if archived:
        entry.append(pipe, keys.SITE, JOBS, uuid.uuid4().hex, context.now_ms, line)
    pipe.execute()
    for scope, found in outcome.findings.items():
        findings.put(context.redis, scope, found)
