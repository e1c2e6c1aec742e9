"""A whole Equerry in a folder of its own, started by `equerry up` as anybody starts it.

Nothing is reached into: reports go in by HTTP, and what came of them is read from the archive, from
Redis and from the receivers of alerts. Processes are found, and killed, among the children of the
`equerry up` that was started here, and nowhere else.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import redis

from equerry import keys
from equerry.archive import read as archive_read
from equerry.cli.embedded import binary

KEY = "0123456789abcdef0123456789abcdef"
WAIT_SECONDS = 30.0
EQUERRY = (sys.executable, "-c", "from equerry.cli.main import main; main()")
PROCFILE = Path(__file__).parent.parent / "Procfile"


def wait_until(
    what: Callable[[], Any], why: str, *, seconds: float = WAIT_SECONDS, step: float = 0.05
) -> Any:
    """Return what it returns once that is true; AssertionError, saying why, if it never is."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
        time.sleep(step)
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A folder with a path short enough for a Unix socket, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="eq-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Answer(NamedTuple):
    """What the door said. headers: names in lower case."""

    status: int
    headers: dict[str, str]
    body: Any


class OwnValkey:
    """A Valkey that the test itself stops and starts, as an operator's own would be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "own.sock"
        self.url = f"unix://{self._socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with every write fsynced, until it answers."""
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(self._folder)]
        options += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        options += ["--maxmemory-policy", "noeviction", "--loglevel", "warning"]
        self._process = subprocess.Popen([str(binary()), *options], stdout=subprocess.DEVNULL)
        wait_until(self._answers, "the test's own Valkey answers")

    def signal(self, number: signal.Signals) -> None:
        """Signal it; SIGKILL waits for its end."""
        assert self._process is not None
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait()

    def close(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGKILL)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


class Installation:
    """One `equerry up`.

    toml: added to its settings, in which the rates are unlimited. projects: their slugs, with the
    ids 1, 2, … and the keys of `key`. lines: run instead of the Procfile's, by name; None for all.
    """

    def __init__(
        self,
        folder: Path,
        *,
        toml: str = "",
        projects: tuple[str, ...] = ("web",),
        lines: tuple[str, ...] | dict[str, str] | None = None,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "var"
        self.port = free_port()
        self.dashboard_port = free_port()
        self.flower_port = free_port()
        self.environ = environ or {}
        self._out = folder / "out"
        self._arguments: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        tables = [
            f'[[projects]]\nid = {number}\nslug = "{slug}"\nkey = "{self.key(number)}"\n'
            for number, slug in enumerate(projects, 1)
        ]
        (folder / "equerry.toml").write_text(toml + "\n" + "".join(tables))
        if lines is not None:
            self._use(lines)

    @staticmethod
    def key(project: int = 1) -> str:
        """Return the public key of a project."""
        return f"{project}{KEY[1:]}"

    def _use(self, lines: tuple[str, ...] | dict[str, str]) -> None:
        own = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines())
        chosen = lines if isinstance(lines, dict) else {name: own[name] for name in lines}
        file = self.folder / "Lines"
        file.write_text("".join(f"{name}: {line}\n" for name, line in chosen.items()))
        self._arguments = ["--procfile", str(file)]

    def start(self) -> None:
        """Start it and wait until everything answers."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
        environ = {
            "EQUERRY_API_PORT": str(self.port),
            "EQUERRY_DASHBOARD_PORT": str(self.dashboard_port),
            "EQUERRY_FLOWER_PORT": str(self.flower_port),
            "EQUERRY_RATE_PER_ADDRESS": "0",
            "EQUERRY_LOG_FORMAT": "terminal",
            **self.environ,
        }
        with self._out.open("ab") as out:
            self._process = subprocess.Popen(
                [*EQUERRY, "up", *self._arguments],
                cwd=self.folder,
                env=kept | environ,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        ready = "Ctrl-C stops it"
        wait_until(
            lambda: ready in self.output or self._process.poll() is not None,
            f"`equerry up` is ready: {self.output}",
            seconds=60,
        )
        assert self._process.poll() is None, self.output
        assert "NOT READY" not in self.output, self.output

    def stop(self) -> float:
        """SIGTERM it and wait for its end; return how long that took, in seconds."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        self._process.wait(WAIT_SECONDS)
        return time.monotonic() - began

    def close(self) -> None:
        """End it and whatever of it a failed test left."""
        if self._process is None or self._process.poll() is not None:
            return
        tree = self.tree()
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            for each in [*tree, psutil.Process(self._process.pid)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
            self._process.wait()

    @property
    def output(self) -> str:
        """What it printed since the first start."""
        return self._out.read_text("utf-8", "replace")

    def tree(self) -> list[psutil.Process]:
        """Return all processes below it that run now."""
        assert self._process is not None
        return psutil.Process(self._process.pid).children(recursive=True)

    def main(self, name: str) -> psutil.Process | None:
        """Return the process of this Procfile line (or `valkey`) while it runs, else None."""
        try:
            rows = json.loads((self.data / "run" / "processes.json").read_bytes())
        except FileNotFoundError:
            return None
        pids = {row["pid"] for row in rows if row["name"] == name}
        assert self._process is not None
        ours = psutil.Process(self._process.pid).children()
        found = [each for each in ours if each.pid in pids and _runs(each)]
        return found[0] if found else None

    def children(self, name: str) -> list[psutil.Process]:
        """Return the processes that this line's process forked and that run."""
        main = self.main(name)
        try:
            return [each for each in main.children() if _runs(each)] if main else []
        except psutil.NoSuchProcess:
            return []

    def redis(self) -> redis.Redis:
        """Return a client of its Redis."""
        own = f"unix://{self.data / 'valkey' / 'valkey.sock'}"
        return redis.Redis.from_url(self.environ.get("EQUERRY_REDIS_URL", own), socket_timeout=2)

    def post(
        self, path: str, body: object, *, project: int = 1, timeout_seconds: float = 10.0
    ) -> Answer:
        """POST a report; every status is an answer."""
        headers = {"Content-Type": "application/json", "X-Equerry-Key": self.key(project)}
        return self.ask(path, headers, json.dumps(body).encode(), timeout_seconds=timeout_seconds)

    def ask(
        self,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        *,
        port: int = 0,
        timeout_seconds: float = 10.0,
    ) -> Answer:
        """GET, or POST a body; every status is an answer. port: the door's, unless given."""
        url = f"http://127.0.0.1:{port or self.port}{path}"
        request = urllib.request.Request(url, body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310, http
                return _answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, dict(error.headers), error.read())

    def archive(self, kind: str) -> list[dict[str, Any]]:
        """Return the lines of this kind (or `*`) that are whole."""
        return [
            json.loads(line)
            for segment in archive_read.segments(self.data / "archive", kind)
            for line in archive_read.whole_lines(segment)
        ]

    def waiting(self, project: int = 1) -> int:
        """Return how many events were accepted and not yet drained: in Redis, and bytes on disk."""
        spool = self.data / "spool"
        spooled = sum(
            path.stat().st_size for path in [*spool.glob("*.spool"), *spool.glob("*.replay")]
        )
        with self.redis() as client:
            lengths = [client.xlen(keys.events(s)) for s in (keys.scope(project), keys.SITE)]
        return spooled + sum(lengths)

    def wait_drained(self, project: int = 1, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until every accepted event is in the archive, or dead."""

        def drained() -> bool:
            try:
                return self.waiting(project) == 0
            except (redis.RedisError, FileNotFoundError):
                return False

        wait_until(drained, "the stream and the spool are empty", seconds=seconds)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
    lower = {name.lower(): value for name, value in headers.items()}
    is_json = lower.get("content-type", "").startswith("application/json")
    return Answer(status, lower, json.loads(body) if is_json else body.decode("utf-8", "replace"))
