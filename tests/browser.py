"""A real Chromium, driven through `tests/clients/drive.mjs`, where the machine has one."""

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

import pytest

CLIENTS = Path(__file__).parent / "clients"
ANSWER_SECONDS = 40.0
# What the newest SDK asks for.
NODE = (20, 19)
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def node() -> str:
    """Return the path of a node that is new enough, with the clients' packages in place.

    Without it skip, or fail in CI.
    """
    found = shutil.which("node")
    if found is None:
        _missing("node")
    version = subprocess.run([found or "node", "--version"], capture_output=True, check=True).stdout
    if tuple(map(int, version.decode().strip().lstrip("v").split(".")[:2])) < NODE:
        _missing(f"node {NODE[0]}.{NODE[1]} or newer")
    if not (CLIENTS / "node_modules" / "esbuild").is_dir():
        _missing("tests/clients/node_modules: run `npm install` in tests/clients")
    return str(found)


def chromium() -> str:
    """Return the path of Chromium; without one skip on a laptop and fail in CI."""
    found = [path for path in map(shutil.which, CHROMIUMS) if path]
    if not found:
        _missing("Chromium")
    return found[0]


def _missing(what: str) -> None:
    reason = f"real clients need {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Browser:
    """One Chromium with one page. What its page does not do in time is an AssertionError."""

    def __init__(self, node: str, chromium: str, errors: Path) -> None:
        self._errors = errors
        with errors.open("wb") as log:
            self._process = subprocess.Popen(
                [node, "drive.mjs", chromium],
                cwd=CLIENTS,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)

    def open(self, address: str, settings: dict[str, Any], title: str) -> None:
        """Close the page, open another, whose script finds these settings, and await its title."""
        self._ask("open", address, settings)
        self.await_title(title)

    def click(self, selector: str) -> None:
        """Click once it can be clicked."""
        self._ask("click", selector)

    def await_title(self, title: str) -> None:
        """Wait until the page bears it."""
        self._ask("title", title)

    def text(self, selector: str) -> str:
        """Return an element's text, once there is one."""
        text: str = self._ask("text", selector)
        return text

    def __enter__(self) -> Self:
        """Start to read what it answers."""
        self._reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End it: at the end of its input it closes Chromium."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _ask(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            line = b""
        assert line, f"{command} was not answered: {self._errors.read_text()}"
        answer = json.loads(line)
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer["result"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(b"")  # it ended
