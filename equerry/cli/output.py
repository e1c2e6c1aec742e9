"""What the processes print, on the terminal and in `log/equerry.log`: one line after another."""

import contextlib
import datetime as dt
import os
import queue
import re
import threading
from pathlib import Path
from typing import TextIO

import click
import msgspec

# A paused terminal (Ctrl-S) must not stall the door: beyond this, lines are left out and counted.
MAX_WAITING_LINES = 10_000
LOG_FILE_MAX_BYTES = 10 * 1024 * 1024
LOG_FILES_KEPT = 3
CLOSE_SECONDS = 2.0
COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
OWN_NAME = "up"

# Reports come from strangers: what they send must not steer the operator's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class LogFile:
    """A file that is set aside as `.1`, `.2`, … when it is full. A full disk loses lines, only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def write(self, line: str) -> None:
        """Append one line."""
        with contextlib.suppress(OSError):
            self._file.write(line + "\n")
            self._file.flush()
            if self._file.tell() >= LOG_FILE_MAX_BYTES:
                self._rotate()

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _rotate(self) -> None:
        self._file.close()
        for number in range(LOG_FILES_KEPT - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}")
            source = newer if number > 1 else self._path
            if source.exists():
                source.replace(older)
        self._file = self._path.open("a", encoding="utf-8")


class Output:
    """Writes lines from a thread of its own, so that no reader can hold up the supervisor.

    terminal: lines for a person, `name | line`; otherwise JSON Lines with a field `process`.
    """

    def __init__(self, stream: TextIO, log_path: Path, *, terminal: bool) -> None:
        self.terminal = terminal
        self._coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._stream: TextIO | None = stream
        self._log = LogFile(log_path)
        self._names: list[str] = []
        self._left_out = 0
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(MAX_WAITING_LINES)
        self._thread = threading.Thread(target=self._write, name="output", daemon=True)
        self._thread.start()

    def line(self, name: str, text: str) -> None:
        """Show a line that a process printed."""
        shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
        if self.terminal:
            self._put(self._prefixed(name, shown), f"{_now()} {name:7}| {shown}")
        else:
            line = _json_line(name, shown)
            self._put(line, line)

    def say(self, event: str, text: str, *, level: str = "info", **fields: object) -> None:
        """Tell what the supervisor itself did: a sentence for a person, an event for a program."""
        if self.terminal:
            self.line(OWN_NAME, text)
            return
        record = {"time": _now(), "level": level, "logger": "equerry.up", "event": event}
        line = msgspec.json.encode(record | {"message": text} | fields, enc_hook=str).decode()
        self._put(line, line)

    def show(self, text: str) -> None:
        """Show a text as it is, on the terminal only: it may hold what no log may keep."""
        self._put(text, "")

    def close(self) -> None:
        """Write what waits, within two seconds, and close the log."""
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        self._thread.join(CLOSE_SECONDS)
        self._log.close()

    def _put(self, shown: str, logged: str) -> None:
        try:
            self._waiting.put_nowait((shown, logged))
        except queue.Full:
            self._left_out += 1

    def _prefixed(self, name: str, text: str) -> str:
        prefix = f"{name:7}|"
        if self._coloured:
            if name not in self._names:
                self._names.append(name)
            prefix = click.style(prefix, fg=COLOURS[self._names.index(name) % len(COLOURS)])
        return f"{prefix} {text}"

    def _write(self) -> None:
        while (item := self._waiting.get()) is not None:
            shown, logged = item
            if logged:
                self._log.write(logged)
            self._print(shown)
            if self._left_out and self._waiting.empty():
                left_out, self._left_out = self._left_out, 0
                self.say("lines-left-out", f"{left_out} lines were left out", count=left_out)

    def _print(self, text: str) -> None:
        """Print; a reader that went away (a closed pipe or terminal) ends the printing, only."""
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


def _json_line(name: str, text: str) -> str:
    if text.startswith('{"') and text.endswith("}"):
        return f'{{"process":"{name}",{text[1:]}'
    record = {"process": name, "time": _now(), "level": "info", "event": "output", "line": text}
    return msgspec.json.encode(record).decode()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
