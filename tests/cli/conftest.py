"""What the tests of the command line share."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from up_process import EQUERRY, WAIT_SECONDS, MakeUp, RunCli, Up, clean_environ


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def run_cli(tmp_path: Path) -> RunCli:
    """Run the real command in a folder of its own."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EQUERRY, *arguments],
            cwd=tmp_path,
            env=clean_environ(**environ),
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def make_up(tmp_path: Path) -> Iterator[MakeUp]:
    """Make an `equerry up` with these Procfile lines; nothing of it outlives the test."""
    made: list[Up] = []

    def make(lines: str) -> Up:
        made.append(Up(tmp_path, lines))
        return made[-1]

    yield make
    for each in made:
        each.close()
