"""One batch: through the stages, into the archive, then its one effect on the index."""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
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


class Staged(NamedTuple):
    """A run of entries after the stages. claim: under which it was read. failed: how many."""

    entries: Sequence[Entry]
    project_id: int
    claim: commit.Claim
    events: list[Event]
    failed: int
    bytes: int


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
    with innocent(bench, scope, entries):
        for run in runs(entries):
            total += finish(bench, stage(bench, scope, project_id, run), written)
    return total


@contextmanager
def innocent(bench: Bench, scope: str, entries: Sequence[Entry]) -> Iterator[None]:
    """Give the entries back where a full disk or an absent Redis ends the block.

    That is no delivery: it must not make dead letters of anyone.
    """
    try:
        yield
    except (ArchiveFull, RedisError, OSError) as error:
        if is_outage(error):
            _give_back(bench, scope, entries)
        raise


def is_outage(error: Exception) -> bool:
    """Whether the disk or Redis is at fault, not what was to be done with it."""
    return isinstance(error, ArchiveFull) or is_away(error)


def _give_back(bench: Bench, scope: str, entries: Sequence[Entry]) -> None:
    try:
        bench.consumer.give_back(scope, entries)
    except (RedisError, OSError) as error:
        log.warning("batch-not-given-back", extra={"scope": scope, "error": str(error)})


def stage(bench: Bench, scope: str, project_id: int, run: Sequence[Entry]) -> Staged:
    """Run the stages over each entry; those that fail are named in the log and left pending."""
    claim = commit.Claim(scope, bench.consumer.name, bench.consumer.standing(scope))
    done: list[Event] = []
    failed = size = 0
    for entry in run:
        outcome = stages.run(_event(entry, project_id), bench.tools)
        if isinstance(outcome, Event):
            done.append(outcome)
            size += len(entry.data)
            continue
        failed += 1
        log.error(
            "event-failed",
            extra={
                "event_id": outcome.event.id,
                "stage": outcome.stage,
                "error": outcome.error,
            },
        )
    return Staged(run, project_id, claim, done, failed, size)


def finish(bench: Bench, staged: Staged, written: Collection[bytes] = ()) -> Drained:
    """Write a run to the archive and commit it. Raises ArchiveFull or a Redis error."""
    events = staged.events
    if not events:
        return Drained(failed=staged.failed)
    settings, claim = bench.settings, staged.claim
    with logs.bound(batch=f"{claim.consumer}/{staged.entries[0].stream_id.decode()}"):
        effect = commit.effect(events)
        commit.archive(bench.writer, events, written, clock.now_ms())
        project = settings.project(staged.project_id)
        name = project.slug if project else keys.SITE
        findings = commit.commit(bench.redis, claim, name, effect, staged.bytes, settings.alerts)
        records = sum(event.kind in OWN for event in events)
        log.log(
            logging.INFO if records < len(events) else logging.DEBUG,
            "batch-committed",
            extra={"scope": claim.scope, "events": len(events), "findings": findings},
        )
    return Drained(len(events) - records, findings, staged.failed, records)


def _event(entry: Entry, project_id: int) -> Event:
    return Event(
        stream_id=entry.stream_id.decode(),
        id=entry.id,
        kind=entry.kind,
        project=project_id,
        received_ms=entry.received_ms,
        raw=entry.data,
    )


def runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
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
