"""Asks the reader's process: started at the first question, killed when it takes too long."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time

import msgspec

from equerry.source_maps.position import Answer, Outcome, Question

# Measured: 0.6 s for a map of 12 MB on an idle core. The rest is for busy machines.
ANSWER_SECONDS = 15.0
ANSWER_MAX_BYTES = 16 * 1024 * 1024
# Signals that somebody sends, in place of those of a fault of its own: another try may go well.
_SENT = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_ANSWERS = msgspec.json.Decoder(Answer)


class _TooLong(Exception):
    """The answer is longer than anybody waits for; the reader still writes it."""


class Reading:
    """One process's reader. It belongs to the thread that asks."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, question: Question) -> Answer:
        """Return the reader's answer.

        A reader that does not start, dies, dawdles or talks without end is an outcome too.
        """
        for _ in range(2):
            try:
                process = self._running()
            except OSError as error:
                return Answer(Outcome.NO_READER, detail=error.strerror or "")
            try:
                line = self._exchange(process, msgspec.json.encode(question) + b"\n")
            except TimeoutError:
                self.close()
                return Answer(Outcome.TOO_SLOW, detail=f"more than {self._seconds:g} s")
            except _TooLong:
                self.close()
                return Answer(Outcome.TOO_LARGE, detail=f"more than {ANSWER_MAX_BYTES:,} bytes")
            except BrokenPipeError:
                line = b""
            if line:
                return _ANSWERS.decode(line)
            code = process.wait()
            self.close()
            if code and -code not in _SENT:  # without one it ended for want of questions
                return Answer(Outcome.DAMAGED, detail=f"its reader ended with {code}")
        return Answer(Outcome.DAMAGED, detail="its reader was ended twice")

    def close(self) -> None:
        """End the reader, if one runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self.close()
        self._process = subprocess.Popen(
            (sys.executable, "-P", "-m", "equerry.source_maps.reader"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # a Ctrl-C is for the worker, which waits for the answer
        )
        return self._process

    def _exchange(self, process: "subprocess.Popen[bytes]", line: bytes) -> bytes:
        """Send a line and return the next one; empty where the reader ended."""
        if process.stdin is None or process.stdout is None:
            return b""
        process.stdin.write(line)
        deadline = time.monotonic() + self._seconds
        got = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not got.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(process.stdout.fileno(), 65_536)
                if not part:
                    return b""
                got += part
                if len(got) > ANSWER_MAX_BYTES:
                    raise _TooLong
        return bytes(got)
