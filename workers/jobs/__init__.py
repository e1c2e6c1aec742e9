"""One module per scheduled job, all of one shape; this is their table.

When each runs stands in beat_schedule.py.
"""

from collections.abc import Callable

from workers.jobs import (
    bound_index,
    error_rate,
    heartbeat,
    retention,
    spikes,
    sweep_outbox,
    sweep_streams,
    watch_parts,
    watch_quotas,
)
from workers.jobs.job import Context, Outcome

JOBS: dict[str, Callable[[Context], Outcome]] = {
    "sweep-streams": sweep_streams.run,
    "sweep-outbox": sweep_outbox.run,
    "watch-parts": watch_parts.run,
    "watch-quotas": watch_quotas.run,
    "bound-index": bound_index.run,
    "error-rate": error_rate.run,
    "spikes": spikes.run,
    "heartbeat": heartbeat.run,
    "retention": retention.run,
}
