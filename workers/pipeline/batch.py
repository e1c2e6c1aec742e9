"""One batch: through the stages, into the archive, then its one effect on the index."""

import logging
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from redis.exceptions import RedisError

from equerry import clock, keys, logs
from equerry.archive.segment import Writer
from equerry.errors import ArchiveFull
from equerry.events.event import OWN, Event
from equerry.redis_client import Redis, is_away
from equerry.settings import Settings
from equerry.stream.consumer import MAX_BYTES, Consumer
from equerry.stream.entry import Entry
from workers.pipeline import commit, stages

log = logging.getLogger(__name__)


class Bench(NamedTuple):
    """What a drain works with: one process's connection, its place and its segments."""

    settings: Settings
    redis: Redis
    consumer: Consumer
    writer: Writer
    tools: stages.Tools


class Drained(NamedTuple):
    """What one call of `drain` did. records: Equerry's own, of alerts, jobs and issues."""

    events: int = 0
    findings: int = 0
    failed: int = 0
    records: int = 0

    @property
    def committed(self) -> int:
        """How many entries left the stream."""
        return self.events + self.records

    def __add__(self, other: tuple[int, ...]) -> "Drained":  # type: ignore[override]
        return Drained(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def process(
    bench: Bench,
    scope: str,
    project_id: int,
    entries: Sequence[Entry],
    written: Collection[bytes] = (),
) -> Drained:
    """Process the entries, in runs of at most MAX_BYTES; each run is committed by itself.

    written: stream ids whose lines stand in the archive already. Raises ArchiveFull or a Redis
    error; then what was not committed is given back.
    """
    total = Drained()
    try:
        for run in _runs(entries):
            first = run[0].stream_id.decode()
            with logs.bound(batch=f"{bench.consumer.name}/{first}"):
                total += _process_run(bench, scope, project_id, run, written)
    except (ArchiveFull, RedisError, OSError) as error:
        if isinstance(error, ArchiveFull) or is_away(error):
            _give_back(bench, scope, entries)
        raise
    return total


def _give_back(bench: Bench, scope: str, entries: Sequence[Entry]) -> None:
    """A full disk or an absent Redis is no delivery: it must not make dead letters of anyone."""
    try:
        bench.consumer.give_back(scope, entries)
    except (RedisError, OSError) as error:
        log.warning("batch-not-given-back", extra={"scope": scope, "error": str(error)})


def _process_run(
    bench: Bench, scope: str, project_id: int, run: Sequence[Entry], written: Collection[bytes]
) -> Drained:
    settings = bench.settings
    outcomes = [stages.run(_event(entry, project_id), bench.tools) for entry in run]
    done = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, stages.Failed)]
    for failure in failed:
        log.error(
            "event-failed",
            extra={
                "event_id": failure.event.id,
                "stage": failure.stage,
                "error": failure.error,
            },
        )
    if not done:
        return Drained(failed=len(failed))
    sizes = sum(
        len(entry.data)
        for entry, outcome in zip(run, outcomes, strict=True)
        if isinstance(outcome, Event)
    )
    commit.archive(bench.writer, done, written, clock.now_ms())
    project = settings.project(project_id)
    name = project.slug if project else keys.SITE
    claim = commit.Claim(scope, bench.consumer.name, bench.consumer.standing(scope))
    findings = commit.commit(bench.redis, claim, name, done, sizes, settings.alerts)
    records = sum(event.kind in OWN for event in done)
    log.log(
        logging.INFO if records < len(done) else logging.DEBUG,
        "batch-committed",
        extra={"scope": scope, "events": len(done), "findings": findings},
    )
    return Drained(len(done) - records, findings, len(failed), records)


def _event(entry: Entry, project_id: int) -> Event:
    return Event(
        stream_id=entry.stream_id.decode(),
        id=entry.id,
        kind=entry.kind,
        project=project_id,
        received_ms=entry.received_ms,
        raw=entry.data,
    )


def _runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut into runs of at most MAX_BYTES (and at least one entry)."""
    run: list[Entry] = []
    size = 0
    for entry in entries:
        if run and size + len(entry.data) > MAX_BYTES:
            yield run
            run, size = [], 0
        run.append(entry)
        size += len(entry.data)
    if run:
        yield run
