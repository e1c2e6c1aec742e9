"""Where a benchmark runs: a folder, a settings file and a Valkey of its own; all gone at its end.

Valkey is started with the very arguments that `equerry up` uses, so a change there is measured.
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import events
from bench.child import BenchError
from bench.plan import Fsync
from equerry import keys, settings_file
from equerry.cli import embedded
from equerry.redis_client import Redis, connect
from equerry.settings import Settings
from equerry.stream.door import UNLIMITED, Door

SCOPE = keys.scope(1)
PROJECT = 1
KEY = "0123456789abcdef0123456789abcdef"
TOML = """\
[[projects]]
id = 1
slug = "bench"
key = "{key}"

[redis]
fsync = "{fsync}"

[api]
port = {port}
rate_per_address = 0

[dashboard]
port = {dashboard_port}

[flower]
port = {flower_port}

[queue]
max_events = 2_000_000
max_bytes = 4_294_967_296
"""
APPEND_AT_ONCE = 100
START_SECONDS = 20.0


class Ground:
    """A folder with a settings file, and how to start processes that read it."""

    def __init__(self, folder: Path, fsync: Fsync, more: str = "") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.fsync = fsync
        file = folder / "equerry.toml"
        file.write_text(
            TOML.format(
                key=KEY,
                fsync=fsync,
                port=free_port(),
                dashboard_port=free_port(),
                flower_port=free_port(),
            )
            + more
        )
        kept = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        self.environ = kept | {
            "PATH": path,
            "EQUERRY_CONFIG": str(file),
            "EQUERRY_DATA_DIR": str(folder / "var"),
            "EQUERRY_LOG_FORMAT": "json",
        }
        self.settings: Settings = settings_file.load(self.environ)

    @contextlib.contextmanager
    def valkey(self) -> Iterator[Redis]:
        """Run Valkey; yields a client."""
        self.settings.data_path.mkdir(mode=0o700, exist_ok=True)
        embedded.prepare(self.settings)
        program = embedded.program(self.settings, self.environ)
        with self.running(program.argv):
            deadline = time.monotonic() + START_SECONDS
            while not embedded.state(self.settings).ready:
                if time.monotonic() > deadline:
                    raise BenchError(f"Valkey does not answer; see {self.folder}/log")
                time.sleep(0.02)
            with connect(self.settings.redis_url, timeout_seconds=30) as redis:
                yield redis

    @contextlib.contextmanager
    def running(self, argv: tuple[str, ...], **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a process in a session of its own, its output in `log`; ended by SIGTERM."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                env=self.environ | environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def work_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder, removed at the end. On a real disk: on tmpfs an fsync is free."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="run-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Return once something listens there. Raises BenchError."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise BenchError(f"nothing listens on port {port}") from None
            time.sleep(0.05)


def fill(redis: Redis, settings: Settings, pool: list[bytes], count: int) -> int:
    """Put this many events into the project's stream, through the door's own script.

    Returns when they were received, epoch ms of the last.
    """
    door = Door(redis, settings.queue)
    received_ms = 0
    for start in range(0, count, APPEND_AT_ONCE):
        batch = events.entries(pool, min(APPEND_AT_ONCE, count - start))
        verdict = door.append(SCOPE, batch, UNLIMITED, "")
        if verdict.appended != len(batch):
            raise BenchError(f"the door took {verdict.appended} of {len(batch)}: {verdict.reason}")
        received_ms = batch[-1].received_ms
    return received_ms


def settle(redis: Redis) -> None:
    """Wait until Valkey rewrites no log: that is a second process on the same cores."""
    while True:
        info: dict[str, Any] = redis.info("persistence")
        if not info["aof_rewrite_in_progress"] and not info["aof_rewrite_scheduled"]:
            return
        time.sleep(0.05)
