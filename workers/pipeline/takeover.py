"""Taking over what a dead consumer, or this one's own failed try, left unfinished."""

import logging
from collections.abc import Collection, Iterator, Sequence

from redis.exceptions import WatchError

from equerry.archive import read as archive_read
from equerry.stream import dead
from equerry.stream.consumer import Left
from equerry.stream.entry import Entry
from workers.pipeline.batch import Bench, Drained, is_outage, process

log = logging.getLogger(__name__)

MAX_DELIVERIES = 3


def take_over(bench: Bench, scope: str, project_id: int, owner: str) -> Drained:
    """Finish what the owner left. Lines already written are looked for first.

    From the fence on no late commit of the owner's takes effect, so what is left stays left. What
    is written and cannot be committed is tried again by each drain: a dead letter that is retried
    would be written twice.
    """
    total = Drained()
    bench.consumer.fence(scope, owner)
    while left := bench.consumer.left(scope, owner):
        written = _written(bench, project_id, owner, left)
        poison = [entry for entry in left if entry.deliveries >= MAX_DELIVERIES]
        before = total
        buried = 0
        if poison:
            entries = bench.consumer.claim(scope, poison)
            unwritten = [entry for entry in entries if entry.stream_id not in written]
            dead.bury(bench.redis, scope, unwritten)
            buried = len(unwritten)
            for entry in entries:
                if entry.stream_id in written:
                    total += _apart(bench, scope, project_id, [entry], written)
        for group in _groups(left):
            entries = bench.consumer.claim(scope, group)
            total += _apart(bench, scope, project_id, entries, written)
        log.info(
            "batch-taken-over",
            extra={"scope": scope, "from": owner, "entries": len(left), "dead": buried},
        )
        if total.committed == before.committed and not buried:
            break  # nothing moves on: each is tried again by the next drain
    return total


def _apart(
    bench: Bench, scope: str, project_id: int, entries: Sequence[Entry], written: Collection[bytes]
) -> Drained:
    """Process entries. What they themselves break is theirs alone: no others wait for them.

    Raises what is no fault of theirs, as `process` does.
    """
    try:
        return process(bench, scope, project_id, entries, written)
    except Exception as error:
        if is_outage(error) or isinstance(error, WatchError):
            raise
        # Only the type: its message may quote an event.
        log.error(  # noqa: TRY400
            "batch-failed",
            extra={"scope": scope, "entries": len(entries), "error": type(error).__name__},
        )
        return Drained(failed=len(entries))


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
