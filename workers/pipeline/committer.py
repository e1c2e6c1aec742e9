"""Writes and commits one batch while the next passes the stages: a thread, and one batch in it.

A batch's stages want the processor, its end waits for the disk and for Redis. Side by side a drain
takes little more than the longer of the two.
"""

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

from workers.pipeline.batch import Bench, Drained, Staged, finish, innocent

# Python's own 5 ms would let each of the end's round trips wait that long for the other thread; at
# 0.2 ms the switching itself takes a fifth more processor time.
SWITCH_SECONDS = 0.001


class Committer:
    """Entered, it ends each batch that is handed to it; one at a time, in their order."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._ending: Future[Drained] | None = None
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        """Begin."""
        before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._exit.callback(sys.setswitchinterval, before)
        self._exit.callback(self._pool.shutdown)
        return self

    def __exit__(self, *_error: object) -> None:
        """Let the batch that is under way come to its end, whatever has gone wrong elsewhere."""
        self._exit.close()

    @property
    def is_busy(self) -> bool:
        """Whether a batch was handed in that nobody has waited for."""
        return self._ending is not None

    def hand(self, staged: Staged) -> Drained:
        """Wait for the batch before, then begin to end this one. Returns what the one before did.

        Raises what ended the one before; it has given its entries back, and this one is not begun.
        """
        done = self.wait()
        self._ending = self._pool.submit(self._finish, staged)
        return done

    def wait(self) -> Drained:
        """Wait for the batch under way, if any. Raises what ended it: ArchiveFull, RedisError."""
        ending, self._ending = self._ending, None
        return ending.result() if ending else Drained()

    def _finish(self, staged: Staged) -> Drained:
        with innocent(self._bench, staged.claim.scope, staged.entries):
            return finish(self._bench, staged)
