"""Drain a scope's stream: each accepted event has exactly one effect.

1. Take over what a dead consumer (or this one's own failed try) left: entries delivered three times
   go to the dead letters, twice-delivered ones run alone, the rest as one batch. Lines that already
   stand in the archive are not written again.
2. Read a batch of new entries.
3. Run the stages over each. An event that fails stays pending and is tried again.
4. Append to the archive, fsync.
5. One transaction: index, findings, acknowledgement.
Killed between 4 and 5, the batch is found by the next step 1.
"""

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from redis.exceptions import RedisError

from equerry import clock, keys, logs
from equerry.archive import gate
from equerry.archive import read as archive_read
from equerry.archive.segment import Writer
from equerry.errors import ArchiveFull
from equerry.events.event import OWN, Event
from equerry.redis_client import Redis, is_away
from equerry.settings import Settings
from equerry.stream import dead
from equerry.stream.consumer import MAX_BYTES, Consumer, Left
from equerry.stream.entry import Entry
from workers.pipeline import commit, stages

log = logging.getLogger(__name__)

MAX_DELIVERIES = 3


class Bench(NamedTuple):
    """What a drain works with: one process's connection, its place and its segments."""

    settings: Settings
    redis: Redis
    consumer: Consumer
    writer: Writer


class Drained(NamedTuple):
    """What one call of `drain` did."""

    events: int = 0
    findings: int = 0
    failed: int = 0

    def __add__(self, other: tuple[int, ...]) -> "Drained":  # type: ignore[override]
        return Drained(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def drain(bench: Bench, scope: str, project_id: int, seconds: float) -> Drained:
    """Drain until the stream is empty or the time is up; not at all during a rebuild of the index.

    Raises ArchiveFull or a Redis error; what was read and not committed stays pending.
    """
    with gate.passing(bench.settings.data_path) as open_:
        if open_:
            return _drain(bench, scope, project_id, seconds)
    log.info("drain-waits-for-reindex", extra={"scope": scope})
    return Drained()


def _drain(bench: Bench, scope: str, project_id: int, seconds: float) -> Drained:
    deadline = time.monotonic() + seconds
    total = Drained()
    try:
        for owner in bench.consumer.owners(scope):
            with bench.consumer.abandoned(owner) as abandoned:
                if abandoned:
                    total += _take_over(bench, scope, project_id, owner)
        while time.monotonic() < deadline:
            entries = bench.consumer.read(scope)
            if not entries:
                break
            total += _process(bench, scope, project_id, entries)
    finally:
        bench.writer.close()
    return total


def _take_over(bench: Bench, scope: str, project_id: int, owner: str) -> Drained:
    """Finish what the owner left. Lines already written are looked for first."""
    total = Drained()
    while left := bench.consumer.left(scope, owner):
        written = _written(bench, owner, left)
        poison = [entry for entry in left if entry.deliveries >= MAX_DELIVERIES]
        if poison:
            entries = bench.consumer.claim(scope, poison)
            dead.bury(bench.redis, scope, [e for e in entries if e.stream_id not in written])
            total += _process(
                bench, scope, project_id, [e for e in entries if e.stream_id in written], written
            )
        before = total
        for group in _groups(left):
            entries = bench.consumer.claim(scope, group)
            total += _process(bench, scope, project_id, entries, written)
        log.info(
            "batch-taken-over",
            extra={"scope": scope, "from": owner, "entries": len(left), "dead": len(poison)},
        )
        if total.events == before.events and not poison:
            break  # nothing moves on: each is tried again by the next drain
    return total


def _groups(left: Sequence[Left]) -> Iterator[list[Left]]:
    """The once-delivered together; what was delivered twice, each alone: one of them may kill."""
    once = [entry for entry in left if entry.deliveries < MAX_DELIVERIES - 1]
    if once:
        yield once
    for entry in left:
        if entry.deliveries == MAX_DELIVERIES - 1:
            yield [entry]


def _written(bench: Bench, owner: str, left: Sequence[Left]) -> set[bytes]:
    """Return the entries whose lines stand in the archive already."""
    root = bench.settings.data_path / "archive"
    once = {entry.stream_id for entry in left if entry.deliveries <= 1}
    again = {entry.stream_id for entry in left if entry.deliveries > 1}
    written = archive_read.written(root, owner, once) if once else set()
    if again:  # handed on before: the lines may stand in the segments of any former holder
        oldest_ms = min(int(stream_id.partition(b"-")[0]) for stream_id in again)
        written |= archive_read.written_since(root, oldest_ms, again)
    return written


def _process(
    bench: Bench,
    scope: str,
    project_id: int,
    entries: Sequence[Entry],
    written: Collection[bytes] = (),
) -> Drained:
    total = Drained()
    try:
        for batch in _slices(entries):
            first = batch[0].stream_id.decode()
            with logs.bound(batch=f"{bench.consumer.name}/{first}"):
                total += _process_slice(bench, scope, project_id, batch, written)
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


def _process_slice(
    bench: Bench, scope: str, project_id: int, batch: Sequence[Entry], written: Collection[bytes]
) -> Drained:
    settings = bench.settings
    done: list[Event] = []
    sizes = failed = 0
    for entry in batch:
        outcome = stages.run(_event(entry, project_id), settings.severity.rules)
        if isinstance(outcome, stages.Failed):
            failed += 1
            log.error(
                "event-failed",
                extra={
                    "event_id": entry.id,
                    "stage": outcome.stage,
                    "error": outcome.error,
                    "delivery": entry.deliveries + 1,
                },
            )
            continue
        done.append(outcome)
        sizes += len(entry.data)
    if not done:
        return Drained(0, 0, failed)
    commit.archive(bench.writer, done, written, clock.now_ms())
    project = settings.project(project_id)
    findings = commit.commit(
        bench.redis,
        scope,
        project.slug if project else keys.SITE,
        done,
        sizes,
        settings.alerts.new_issue,
    )
    reported = any(event.kind not in OWN for event in done)
    log.log(
        logging.INFO if reported else logging.DEBUG,
        "batch-committed",
        extra={
            "scope": scope,
            "events": len(done),
            "findings": findings,
        },
    )
    return Drained(len(done), findings, failed)


def _event(entry: Entry, project_id: int) -> Event:
    return Event(
        stream_id=entry.stream_id.decode(),
        id=entry.id,
        kind=entry.kind,
        project=project_id,
        received_ms=entry.received_ms,
        raw=entry.data,
    )


def _slices(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
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
