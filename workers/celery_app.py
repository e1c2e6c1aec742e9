"""The Celery app with its tasks, its watcher and its logs; `workers.commands` runs it."""

from celery import signals

import beat_schedule
from equerry import collector, faults, logs, version
from equerry.queue import app
from workers import process
from workers.watcher import WatcherStep

__all__ = ["app"]


def _logging(**_celery: object) -> None:
    logs.configure(process.settings().log_format)
    faults.report_to(process.settings().sentry.dsn, version.release())


def _settle(**_celery: object) -> None:
    collector.settle()


def _tasks_and_schedule() -> dict[str, object]:
    return {
        "include": ("workers.pipeline.tasks", "workers.alerting.tasks", "workers.jobs.tasks"),
        "beat_schedule": {
            name: {
                "task": "workers.jobs.run",
                "schedule": job["when"],
                # What may run any number of times need not be made up for, were nobody there.
                "options": {
                    "queue": job["queue"],
                    "expires": None if job["once"] else job["grace_seconds"],
                },
            }
            for name, job in beat_schedule.JOBS.items()
        },
    }


signals.setup_logging.connect(_logging, weak=False)
signals.worker_before_create_process.connect(_settle, weak=False)
app.add_defaults(_tasks_and_schedule)
app.steps["worker"].add(WatcherStep)
