"""Several threads that work off a list, while the one that asked watches them."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

TICK_SECONDS = 0.2
# A worker may wait for a server that says nothing; nobody waits for it longer than this.
END_SECONDS = 5.0


class Stopped(Exception):
    """Work was given up because it is to stop; never leaves this module's callers."""


class Crew(Generic[Item, Result]):
    """Works off items, in their order, on several threads.

    work: called with an item; `check` between its steps ends it early where the rest is given up.
    """

    def __init__(self, work: Callable[[Item], Result], workers: int) -> None:
        self._work = work
        self._workers = workers
        self._stopping = threading.Event()
        self._todo: queue.SimpleQueue[tuple[int, Item]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Result | BaseException]] = queue.SimpleQueue()

    def check(self) -> None:
        """Raise Stopped where the work is to end."""
        if self._stopping.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the work goes on. Raises Stopped."""
        self._stopping.wait(seconds)
        self.check()

    def run(self, items: Sequence[Item], tick: Callable[[], None]) -> list[Result]:
        """Return the results in the items' order; `tick` is called in this thread, meanwhile.

        The first error of a worker or of `tick` (a KeyboardInterrupt too) stops all and is raised,
        within END_SECONDS whatever the server does: the threads are daemons.
        """
        for pair in enumerate(items):
            self._todo.put(pair)
        threads = [
            threading.Thread(target=self._labour, name=f"dump-{number}", daemon=True)
            for number in range(min(self._workers, len(items)))
        ]
        for thread in threads:
            thread.start()
        try:
            return self._gathered(len(items), tick)
        finally:
            self._stopping.set()
            deadline = time.monotonic() + END_SECONDS
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _gathered(self, count: int, tick: Callable[[], None]) -> list[Result]:
        results: dict[int, Result] = {}
        while len(results) < count:
            tick()
            try:
                number, result = self._done.get(timeout=TICK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            results[number] = result
        tick()
        return [results[number] for number in range(count)]

    def _labour(self) -> None:
        while not self._stopping.is_set():
            try:
                number, item = self._todo.get_nowait()
            except queue.Empty:
                return
            try:
                self._done.put((number, self._work(item)))
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                self._done.put((number, error))
                return
