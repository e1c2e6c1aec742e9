"""A measured process: it says that it is ready, then answers each line with a line. Both are JSON.

Its start, imports and connections are over before the first command, so they are in no figure.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Answer = dict[str, Any]
READY: Answer = {"ready": True}


class BenchError(Exception):
    """A benchmark that did not do what it was to measure: it has no result."""


def serve(handle: Callable[[Answer], Answer]) -> None:
    """Answer commands until stdin ends; called by the child."""
    print(json.dumps(READY), flush=True)
    for line in sys.stdin:
        print(json.dumps(handle(json.loads(line))), flush=True)


def timed(work: Callable[[], int]) -> Answer:
    """Return how many events the work did, and the wall and CPU seconds that it took."""
    began, cpu = time.perf_counter(), time.process_time()
    done = work()
    return {
        "events": done,
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
    }


class Child:
    """The parent's side."""

    def __init__(self, module: str, process: "subprocess.Popen[str]", log: Path) -> None:
        self._module = module
        self._process = process
        self._log = log

    def tell(self, **command: Any) -> None:  # noqa: ANN401, JSON
        """Send a command without waiting for its answer."""
        assert self._process.stdin is not None  # noqa: S101, it was started with a pipe
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Answer:
        """Return the next answer. Raises BenchError where the process has ended instead."""
        assert self._process.stdout is not None  # noqa: S101, it was started with a pipe
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self._module} ended:\n{self._log.read_text()[-2000:]}")
        answer: Answer = json.loads(line)
        return answer

    def ask(self, **command: Any) -> Answer:  # noqa: ANN401, JSON
        """Send a command and return its answer."""
        self.tell(**command)
        return self.answer()


@contextlib.contextmanager
def child(module: str, environ: Mapping[str, str], folder: Path) -> Iterator[Child]:
    """Run `python -m <module>`; yields it once it is ready. What it logs goes to a file."""
    log = folder / f"{module}.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            started = Child(module, process, log)
            if started.answer() != READY:
                raise BenchError(f"{module} did not say that it is ready")
            yield started
        finally:
            process.terminate()
