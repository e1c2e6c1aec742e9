"""A real `equerry up` in a folder of its own, run with stand-in lines."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

WAIT_SECONDS = 30.0
EQUERRY = (sys.executable, "-c", "from equerry.cli.main import main; main()")


def clean_environ(**more: str) -> dict[str, str]:
    """Return this environment without Equerry's variables, and these."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
    return kept | more


class Up:
    """`equerry up` with stand-in lines; its own output goes to a file."""

    def __init__(self, folder: Path, lines: str) -> None:
        self.folder = folder
        self.data = folder / "var"
        self.procfile = folder / "Lines"
        self.procfile.write_text(lines)
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        """Start it, without waiting."""
        self.starts += 1
        with self._file.open("wb") as out:
            self.process = subprocess.Popen(
                [*EQUERRY, "up", "--procfile", str(self.procfile)],
                cwd=self.folder,
                env=clean_environ(**{"EQUERRY_LOG_FORMAT": "terminal"} | environ),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def ready(self, **environ: str) -> None:
        """Start it and wait for its screen."""
        self.start(**environ)
        self.wait_for(lambda: "Ctrl-C stops it" in self.text or self.code is not None)
        assert self.code is None, self.text

    def wait_for(self, what: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Wait until this is true; fail with what was printed if it does not come."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, self.text
            time.sleep(0.02)

    @property
    def _file(self) -> Path:
        return self.folder / f"out{self.starts}"

    @property
    def text(self) -> str:
        """What it printed since its last start."""
        return self._file.read_text()

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        assert self.process is not None
        return self.process.poll()

    def pids(self, pattern: str) -> list[int]:
        """Return the numbers that its processes printed after this word, in order."""
        return [int(found) for found in re.findall(rf"{pattern} (\d+)", self.text)]

    def pid(self, pattern: str) -> int:
        """Return the first number printed after this word, as soon as it is there."""
        self.wait_for(lambda: self.pids(pattern))
        return self.pids(pattern)[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Signal it, wait for its end, return how long that took, in seconds."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(WAIT_SECONDS)
        return time.monotonic() - began

    def alive(self) -> list[int]:
        """Return the pids of all that it started and that still runs."""
        return [each.pid for each in psutil.process_iter() if _ours(each, self.data)]

    def close(self) -> None:
        """End what a failed test left."""
        if self.process is not None and self.process.poll() is None:
            self.stop(signal.SIGKILL)
        for pid in self.alive():
            psutil.Process(pid).kill()


def _ours(process: psutil.Process, data: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return (
            process.environ().get("EQUERRY_DATA_DIR") == str(data)
            # Valkey writes its title over its environment; its socket is in the title.
            or str(data) in " ".join(process.cmdline())
        )
    except (psutil.Error, OSError):
        return False


MakeUp = Callable[[str], Up]
RunCli = Callable[..., subprocess.CompletedProcess[str]]
