"""One supervised process: its group, its output, and how often it failed."""

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping

import msgspec
import psutil

from equerry.cli import restart

LAST_LINES = 20
MAX_LINE_BYTES = 64 * 1024


class Program(msgspec.Struct, frozen=True):
    """What to run: its name, its arguments and its whole environment."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]


class Process:
    """A program in a session of its own, so that all that it starts can be ended with it.

    What leaves the session (setsid) is out of reach; nothing that Equerry runs does that.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.name = program.name
        self.failures = 0
        self.due_at = 0.0
        """When to start it (again), on the monotonic clock."""
        self.started_at = 0.0
        self.created = 0.0
        """The kernel's start time, which together with the pid names it for good."""
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._popen: subprocess.Popen[bytes] | None = None
        self._partial = b""

    @property
    def running(self) -> bool:
        """Whether it was started and has not been reaped."""
        return self._popen is not None

    @property
    def pid(self) -> int:
        """Its pid, which is its group's id too; 0 when it is not running."""
        return self._popen.pid if self._popen else 0

    @property
    def output_fd(self) -> int:
        """The descriptor to read its output from; only while it runs."""
        if self._popen is None or self._popen.stdout is None:
            raise ValueError(f"{self.name} is not running")
        return self._popen.stdout.fileno()

    def start(self, now: float) -> None:
        """Start it. Raises OSError if the program cannot be run at all."""
        self._popen = subprocess.Popen(  # noqa: S603 - the Procfile's own lines
            self.program.argv,
            env=self.program.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.set_blocking(self.output_fd, False)
        self._partial = b""
        self.started_at = now
        self.created = psutil.Process(self.pid).create_time()

    def has_exited(self) -> bool:
        """Tell whether its leader has ended. It stays a zombie, so its pid is not reused yet."""
        return self.running and psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE

    def signal(self, number: signal.Signals) -> None:
        """Signal the leader, which knows how to stop what it started."""
        if self.running:
            os.kill(self.pid, number)

    def end(self, now: float) -> int:
        """SIGKILL what is left of the group, reap the leader, count the failure.

        Returns the leader's exit code, negative for a signal. The group goes first: while the
        leader is not reaped, its number cannot be another's.
        """
        if self._popen is None:
            raise ValueError(f"{self.name} is not running")
        # EPERM is macOS's word for a group of zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        self.failures = restart.failures_after(self.failures, now - self.started_at)
        self.due_at = now + restart.delay_seconds(self.failures)
        return code

    def close(self) -> None:
        """Close its output after the last line is read; it can be started again then."""
        if self._popen is not None and self._popen.stdout is not None:
            self._popen.stdout.close()
        self._popen = None

    def lines(self) -> Iterator[str]:
        """Yield the whole lines that it has written since; at its end, the unfinished one too."""
        while True:
            try:
                block = os.read(self.output_fd, MAX_LINE_BYTES)
            except BlockingIOError:
                return
            *whole, self._partial = (self._partial + block).split(b"\n")
            if self._partial and (not block or len(self._partial) > MAX_LINE_BYTES):
                whole.append(self._partial)
                self._partial = b""
            for line in whole:
                text = line.decode("utf-8", "replace").rstrip("\r")
                self.last_lines.append(text)
                yield text
            if not block:
                return
