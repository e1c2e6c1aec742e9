"""The one task of all jobs: beat names the job and its due time."""

from celery import shared_task

import beat_schedule
from equerry import clock
from workers import process
from workers.jobs import JOBS, ledger
from workers.jobs.job import Context


@shared_task(name="workers.jobs.run")
def run(name: str, slot: str) -> None:
    """Run one job for one due time."""
    entry = beat_schedule.JOBS[name]
    context = Context(process.settings(), process.redis(), process.scopes(), clock.now_ms())
    ledger.run(
        name, slot, JOBS[name], context, once=entry["once"], grace_seconds=entry["grace_seconds"]
    )
