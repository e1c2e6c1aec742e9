"""Keeps the processes running: starts, restarts and stops them, and passes on what they print.

A process that ends takes its group with it and is started again; the others are not touched.
"""

import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Self

from equerry.cli import leftovers, restart
from equerry.cli.output import Output
from equerry.cli.process import Process, Program

TURN_SECONDS = 1.0
WATCHFUL_TURN_SECONDS = 0.2
VALKEY = "valkey"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stage(NamedTuple):
    """Processes that are stopped together, and how long they may take before SIGKILL."""

    names: frozenset[str]
    grace_seconds: float


# The servers first, so that nothing new comes in; Valkey last, so that the others can still write.
# Flower only looks, and would wait several seconds for what it asked the workers: it gets none.
# Together 9 s: `equerry up` is gone within 10 s whatever hangs. A killed worker loses nothing
# (its batch is delivered again), so the graces need not cover the longest task.
STOP_ORDER = (
    Stage(frozenset({"api", "dashboard"}), 2.5),
    Stage(frozenset({"flower"}), 0.0),
    Stage(frozenset({"beat"}), 1.0),
    Stage(frozenset(), 3.5),  # everything that no other stage names: the workers
    Stage(frozenset({VALKEY}), 2.0),
)
_NAMED = frozenset().union(*(stage.names for stage in STOP_ORDER))


class Supervisor:
    """Use as a context manager: within it, signals ask for a stop; at its end all has ended.

    record: the file that names what runs, for the next start should this process be killed.
    """

    def __init__(self, output: Output, record: Path) -> None:
        self.processes: list[Process] = []
        self.stop_requests = 0
        self._output = output
        self._record = record
        self._selector = selectors.DefaultSelector()
        self._wake, self._wake_writer = socket.socketpair()

    def __enter__(self) -> Self:
        """Take over the signals."""
        for end in (self._wake, self._wake_writer):
            end.settimeout(0)
        self._selector.register(self._wake, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # only to wake the loop
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP; so do we
                signal.signal(number, self._request_stop)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything, whatever happened within."""
        self._stop()
        signal.set_wakeup_fd(-1)
        self._selector.close()
        self._wake.close()
        self._wake_writer.close()
        self._record.unlink(missing_ok=True)

    def add(self, programs: Iterable[Program]) -> None:
        """Take these in; the next turn starts them."""
        self.processes += [Process(program) for program in programs]

    def run(self, until: Callable[[], bool] | None = None) -> bool:
        """Supervise until a signal asks for the stop, or `until` is true (asked 5 times a second).

        Returns False if the stop was asked for.
        """
        pause = TURN_SECONDS if until is None else WATCHFUL_TURN_SECONDS
        while not self.stop_requests:
            self._start_due()
            self._turn(pause)
            if until is not None and until():
                return True
        return False

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [each for each in self.processes if not each.running and each.due_at <= now]
        for process in due:
            try:
                process.start(now)
            except OSError as error:
                process.failures = restart.failures_after(process.failures, 0)
                process.due_at = now + restart.delay_seconds(process.failures)
                self._tell_failure(process, f"cannot be started: {error}")
                continue
            self._selector.register(process.output_fd, selectors.EVENT_READ, process)
            leftovers.record(self._record, self.processes)

    def _turn(self, pause: float) -> None:
        """Wait for output, a signal or the time of a restart; then look after what ended."""
        now = time.monotonic()
        waits = [each.due_at - now for each in self.processes if not each.running]
        events = self._selector.select(max(0.0, min([pause, *waits])))
        for key, _ in events:
            if isinstance(key.data, Process):
                self._pass_on(key.data)
            else:
                while self._drained():
                    pass
        for process in self.processes:
            if process.has_exited():
                self._ended(process)

    def _drained(self) -> bytes:
        try:
            return self._wake.recv(4096)
        except BlockingIOError:
            return b""

    def _pass_on(self, process: Process) -> None:
        for line in process.lines():
            self._output.line(process.name, line)

    def _ended(self, process: Process) -> None:
        code = process.end(time.monotonic())
        self._pass_on(process)
        self._selector.unregister(process.output_fd)
        process.close()
        if not self.stop_requests:
            self._tell_failure(process, _how(code))

    def _tell_failure(self, process: Process, how: str) -> None:
        name, failures = process.name, process.failures
        delay = restart.delay_seconds(failures)
        self._output.say(
            "process-ended",
            f"{name} {how}; starting it again in {delay:g} s",
            level="warning",
            process=name,
            how=how,
            failures=failures,
            delay_seconds=delay,
        )
        if not restart.is_loud(failures):
            return
        self._output.say(
            "process-keeps-failing",
            f"{name} FAILED {failures} TIMES IN A ROW and is tried further. Its last lines:",
            level="error",
            process=name,
            failures=failures,
            last_lines=list(process.last_lines),
        )
        if self._output.terminal:
            for line in process.last_lines:
                self._output.line(name, f"  {line}")

    def _stop(self) -> None:
        self.stop_requests = max(self.stop_requests, 1)
        for stage in STOP_ORDER:
            members = [each for each in self.processes if each.running and _in(stage, each.name)]
            for process in members:
                process.signal(signal.SIGTERM)
            self._wait_for(members, stage)
            for process in members:
                if process.running:
                    if stage.grace_seconds:
                        self._tell_killed(process)
                    self._ended(process)

    def _tell_killed(self, process: Process) -> None:
        self._output.say(
            "process-killed",
            f"{process.name} did not stop in time and was killed",
            level="warning",
            process=process.name,
        )

    def _wait_for(self, members: list[Process], stage: Stage) -> None:
        deadline = time.monotonic() + stage.grace_seconds
        while any(each.running for each in members):
            left = deadline - time.monotonic()
            # A second Ctrl-C hurries all but Valkey, which has the last second to write down.
            if left <= 0 or (self.stop_requests > 1 and VALKEY not in stage.names):
                return
            self._turn(min(left, WATCHFUL_TURN_SECONDS))


def _in(stage: Stage, name: str) -> bool:
    return name in stage.names if stage.names else name not in _NAMED


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by {signal.Signals(-code).name}"
