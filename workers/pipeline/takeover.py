"""Taking over what a dead consumer, or this one's own failed try, left unfinished."""

import logging
from collections.abc import Iterator, Sequence

from equerry.archive import read as archive_read
from equerry.stream import dead
from equerry.stream.consumer import Left
from workers.pipeline.batch import Bench, Drained, process

log = logging.getLogger(__name__)

MAX_DELIVERIES = 3


def take_over(bench: Bench, scope: str, project_id: int, owner: str) -> Drained:
    """Finish what the owner left. Lines already written are looked for first.

    From the fence on no late commit of the owner's takes effect, so what is left stays left.
    """
    total = Drained()
    bench.consumer.fence(scope, owner)
    while left := bench.consumer.left(scope, owner):
        written = _written(bench, project_id, owner, left)
        poison = [entry for entry in left if entry.deliveries >= MAX_DELIVERIES]
        if poison:
            entries = bench.consumer.claim(scope, poison)
            dead.bury(bench.redis, scope, [e for e in entries if e.stream_id not in written])
            total += process(
                bench, scope, project_id, [e for e in entries if e.stream_id in written], written
            )
        before = total
        for group in _groups(left):
            entries = bench.consumer.claim(scope, group)
            total += process(bench, scope, project_id, entries, written)
        log.info(
            "batch-taken-over",
            extra={"scope": scope, "from": owner, "entries": len(left), "dead": len(poison)},
        )
        if total.committed == before.committed and not poison:
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


def _written(bench: Bench, project_id: int, owner: str, left: Sequence[Left]) -> set[bytes]:
    """Return the entries whose lines stand in the archive already."""
    root = bench.settings.data_path / "archive"
    once = {entry.stream_id for entry in left if entry.deliveries <= 1}
    again = {entry.stream_id for entry in left if entry.deliveries > 1}
    written = archive_read.written(root, owner, project_id, once) if once else set()
    if again:  # handed on before: the lines may stand in the segments of any former holder
        oldest_ms = min(int(stream_id.partition(b"-")[0]) for stream_id in again)
        written |= archive_read.written_since(root, oldest_ms, project_id, again)
    return written
