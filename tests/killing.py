"""Kill -9, in turn, of every process that `equerry up` started."""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable

import psutil
from installation import Installation, wait_until
from redis.exceptions import RedisError

from equerry import keys
from equerry.cli.supervisor import VALKEY
from equerry.stream.consumer import GROUP

# A batch takes a few milliseconds: most of these die in the midst of one, and of the children that
# may have it, all.
AIMED = ("worker", VALKEY)
AIMED_SHARE = 0.75
AIM_SECONDS = 1.0
BATCH_SECONDS = 0.002

PROCESSES = ("api", "dashboard", "worker", "jobs", "beat", "flower", VALKEY)
# Those who write the archive more often: they come back at once, and have the most to break.
FORKED = ("api", *["worker"] * 5)


class Killer:
    """Kills in turn, each turn in another order; counts what it killed."""

    def __init__(self, equerry: Installation, chance: random.Random) -> None:
        self.killed: Counter[str] = Counter()
        self._equerry = equerry
        self._chance = chance
        self._turn: list[tuple[str, Callable[[str], list[psutil.Process]]]] = []

    def kill_next(self) -> str:
        """Kill the next one, as soon as it runs; return what it was."""
        if not self._turn:
            self._turn = [(name, self._main) for name in PROCESSES]
            self._turn += [(name, self._equerry.children) for name in FORKED]
            self._chance.shuffle(self._turn)
        name, find = self._turn.pop()
        # Started again after at most 10 s, and in need of some more to fork.
        targets = wait_until(lambda: find(name), f"{name} runs", seconds=45)
        if name in AIMED and self._chance.random() < AIMED_SHARE:
            self._wait_for_a_batch()
        else:
            targets = targets[:1]
        for target in targets:
            with contextlib.suppress(psutil.NoSuchProcess):
                target.kill()
        what = name if find == self._main else f"{name}'s child"
        self.killed[what] += 1
        return what

    def wait_for_all(self) -> None:
        """Wait until everything runs again."""
        for name in PROCESSES:
            wait_until(lambda name=name: self._equerry.main(name), f"{name} runs", seconds=45)

    def pause(self, seconds: float) -> None:
        """Wait about this long, so that no kill keeps step with anything."""
        time.sleep(seconds * self._chance.uniform(0.5, 1.5))

    def _wait_for_a_batch(self) -> None:
        """Return at some moment of a batch's processing, or soon where there is none."""
        deadline = time.monotonic() + AIM_SECONDS
        with self._equerry.redis() as client, contextlib.suppress(RedisError):
            while time.monotonic() < deadline:
                if client.xpending(keys.events(keys.scope(1)), GROUP)["pending"]:
                    time.sleep(self._chance.uniform(0, BATCH_SECONDS))
                    return

    def _main(self, name: str) -> list[psutil.Process]:
        found = self._equerry.main(name)
        return [found] if found else []
