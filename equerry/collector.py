"""The garbage collector of a process that serves: what is loaded stays, and is not walked again."""

import gc

# Python's own 700 lets every seventh report of 5 KB start a walk over what others still work on.
ALLOCATIONS = 20_000


def settle() -> None:
    """Leave all that is alive now out of every later collection, and collect more rarely.

    Called once everything is imported and, in a process that forks, before the fork: pages that no
    collection touches stay shared. Limit: what is freed of it in cycles is never collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)
