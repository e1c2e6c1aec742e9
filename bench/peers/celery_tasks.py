"""The usual way: one Celery task per event, with the event as its JSON argument.

The task does what the drain does to each event, with the same functions: parse, noise, scrub,
fingerprint, classify, append its line, look up its issue, count in Redis. It is spared what one
event alone would pay most for: no fsync, no MULTI. It loses an event when a child is killed.
"""

import functools
import os
from pathlib import Path

from celery import Celery

from equerry import queue
from equerry.archive import line
from equerry.durable import write_all
from equerry.events.event import Event
from equerry.events.severity import RuleTable
from equerry.issues import index
from equerry.issues.lookup import look_up
from equerry.issues.plan import Policy, plan
from equerry.issues.tally import tally
from equerry.source_maps.maps import Maps
from equerry.stream import findings
from workers import process
from workers.pipeline import stages

TASK = "bench.event"
QUEUE = "bench"


def _configuration() -> dict[str, object]:
    """Celery's defaults, without what costs: no results, no events; it prefetches as it likes."""
    return {
        "broker_url": queue.broker_url(process.settings()),
        "broker_connection_retry_on_startup": True,
        "task_ignore_result": True,
        "task_default_queue": QUEUE,
        "worker_hijack_root_logger": False,
    }


app = Celery("bench")
app.add_defaults(_configuration)


@functools.cache
def _tools() -> stages.Tools:
    settings = process.settings()
    return stages.Tools(RuleTable(settings.severity.rules), Maps(settings.data_path))


@functools.cache
def _descriptor() -> int:
    path = Path(process.settings().data_dir) / "celery.jsonl"
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


@app.task(name=TASK)  # type: ignore[untyped-decorator]  # celery has no types
def event(scope: str, project: int, event_id: str, received_ms: int, raw: str) -> None:
    """Take one event."""
    redis = process.redis()
    taken = stages.run(
        Event(
            stream_id=event_id,
            id=event_id,
            kind="errors",
            project=project,
            received_ms=received_ms,
            raw=raw.encode(),
        ),
        _tools(),
    )
    if isinstance(taken, stages.Failed):
        raise TypeError(taken.stage)
    write_all(_descriptor(), line.encode(taken))
    added = tally([taken])
    made = plan(added, look_up(redis, scope, added.issues), Policy(scope))
    pipe = redis.pipeline(transaction=False)
    index.write(pipe, scope, added, made)
    findings.put(pipe, scope, made.findings)
    pipe.execute()
