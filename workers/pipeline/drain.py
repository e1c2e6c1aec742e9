"""Drain a scope's stream: each accepted event has exactly one effect.

1. Take over what a dead consumer (or this one's own failed try) left: entries delivered three times
   go to the dead letters, twice-delivered ones run alone, the rest as one batch. Lines that already
   stand in the archive are not written again.
2. Read a batch of new entries.
3. Run the stages over each. An event that fails stays pending and is tried again.
4. Append to the archive, fsync.
5. One transaction: index, findings, acknowledgement.
4 and 5 of a batch go on beside 2 and 3 of the next one.
Killed between 4 and 5, the batch is found by the next step 1.
"""

import logging
import time

from equerry.archive import gate
from workers.pipeline.batch import Bench, Drained, innocent, runs, stage
from workers.pipeline.committer import Committer
from workers.pipeline.takeover import take_over

log = logging.getLogger(__name__)


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
                    total += take_over(bench, scope, project_id, owner)
        total += _drain_new(bench, scope, project_id, deadline)
    finally:
        bench.writer.close()
    return total


def _drain_new(bench: Bench, scope: str, project_id: int, deadline: float) -> Drained:
    """Read and stage batch after batch, each while the one before is written and committed."""
    total = Drained()
    with Committer(bench) as committer:
        while time.monotonic() < deadline:
            entries = bench.consumer.read(scope)
            if not entries and not committer.is_busy:
                break
            if not entries:  # the commit under way may append records of its own
                total += committer.wait()
            with innocent(bench, scope, entries):
                for run in runs(entries):
                    total += committer.hand(stage(bench, scope, project_id, run))
        return total + committer.wait()
