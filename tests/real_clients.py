"""Programs with Sentry's SDKs in them, pointed at a door; and what became of what they sent."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from browser import CLIENTS, node
from installation import Installation, wait_until
from relay import Relay

ENVIRONMENT = "staging"
RUN_SECONDS = 60.0
# What is stored of an error, beside the fields that every event has.
Stored = dict[str, Any]


class Clients:
    """Runs programs whose DSN leads through a relay to an installation's door.

    A program's release is its own: by it, its events are found in the archive.
    """

    def __init__(self, equerry: Installation, relay: Relay, project: int = 1) -> None:
        self.equerry = equerry
        self.relay = relay
        self._dsn = relay.dsn(equerry.key(project), project)

    def environ(self, release: str) -> dict[str, str]:
        """Return a program's environment, with the variables that Sentry's SDKs read themselves."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
        return kept | {
            "SENTRY_DSN": self._dsn,
            "SENTRY_RELEASE": release,
            "SENTRY_ENVIRONMENT": ENVIRONMENT,
        }

    def settings(self, release: str, **more: Any) -> dict[str, Any]:
        """Return what a page gives its SDK."""
        return {
            "dsn": self._dsn,
            "release": release,
            "environment": ENVIRONMENT,
            **more,
        }

    def python(
        self, release: str, script: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python script to its end."""
        return self._run([sys.executable, script, *arguments], "python", release)

    def node(self, release: str, package: str, deed: str) -> subprocess.CompletedProcess[str]:
        """Run the Node script, with this package as its SDK, to its end."""
        return self._run([node(), "script.mjs", package, deed], "node", release)

    def stored(self, release: str, kind: str = "errors", count: int = 1) -> list[Stored]:
        """Return what the archive holds of a release, once there are `count`, oldest first."""

        def found() -> list[Stored]:
            lines = self.equerry.archive(kind)
            return [line for line in lines if line.get("release") == release]

        wait_until(lambda: len(found()) >= count, f"{count} {kind} of {release} are stored")
        lines = found()
        assert len(lines) == count, lines
        return lines

    def error(self, release: str) -> Stored:
        """Return the one error of a release."""
        [line] = self.stored(release)
        return line

    def _run(
        self, command: list[str], folder: str, release: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=CLIENTS / folder,
            env=self.environ(release),
            capture_output=True,
            check=False,
            text=True,
            timeout=RUN_SECONDS,
        )


def calls(error: Stored, place: int = -1) -> list[tuple[str, str, int]]:
    """Return function, file's name and line of an exception's frames; by default the last one's."""
    return [
        (frame.get("function", ""), Path(frame.get("filename", "")).name, frame.get("lineno", 0))
        for frame in error["exceptions"][place]["frames"]
    ]


def line_of(script: str, text: str) -> int:
    """Return the number of a client's line that holds this text."""
    lines = (CLIENTS / script).read_text("utf-8").splitlines()
    [number] = [number for number, line in enumerate(lines, 1) if text in line]
    return number


def crumbs(error: Stored) -> list[tuple[str, str]]:
    """Return category and message of an error's breadcrumbs, oldest first."""
    return [(each.get("category", ""), each.get("message", "")) for each in error["breadcrumbs"]]
