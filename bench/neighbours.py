"""How much of the machine others took while we measured: a busy machine makes a poor record.

It matters to ratios too: a peer of three processes that hand work to each other (Celery's worker,
its child, Valkey) loses more to a busy core than one process that reads and writes in batches.
"""

import os
import time
from typing import Self

import psutil

# From here on a report says so.
QUIET_SHARE = 0.1


class Neighbours:
    """Within it, counts. Processes of ours that nobody waited for are taken for others'."""

    def __init__(self) -> None:
        self.share = 0.0
        self._began = 0.0
        self._busy = 0.0
        self._own = 0.0

    def __enter__(self) -> Self:
        """Start to count."""
        self._began, self._busy, self._own = time.monotonic(), _busy_seconds(), _own_seconds()
        return self

    def __exit__(self, *_error: object) -> None:
        """Work out the share, 0 to 1, of all cores' time."""
        others = (_busy_seconds() - self._busy) - (_own_seconds() - self._own)
        elapsed = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        self.share = min(1.0, max(0.0, others / elapsed))


def _busy_seconds() -> float:
    """Return what all cores have worked since the boot, and what the host kept for other guests."""
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts a guest's time within user and nice already.
    counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - waiting - counted_twice)


def _own_seconds() -> float:
    """Return what this process and its ended descendants have worked."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
