"""A sender who drips keeps its own places busy, and nobody else's."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from known import WEB_KEY

from api.uploads import PER_BUCKET, THREADS, Uploads
from equerry.cli import procfile
from equerry.errors import Refused
from equerry.redis_client import Redis
from equerry.settings import Settings

DRIP = (
    "POST /api/errors HTTP/1.1\r\nHost: x\r\nX-Equerry-Key: {key}\r\nX-Forwarded-For: {address}\r\n"
    "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
)


def test_places() -> None:
    """So many for one bucket, so many for all; who is refused takes none, who ends gives back."""
    uploads = Uploads(total=3, per_bucket=2)
    with contextlib.ExitStack() as held, contextlib.ExitStack() as others:
        for _ in range(2):
            held.enter_context(uploads.reading("a"))
        with pytest.raises(Refused, match="from your address") as refused:
            others.enter_context(uploads.reading("a"))
        assert (refused.value.status, refused.value.reason) == (429, "slow-uploads")
        assert refused.value.retry_after_seconds > 0
        others.enter_context(uploads.reading("b"))
        with pytest.raises(Refused, match="too many uploads are still"):
            others.enter_context(uploads.reading("c"))
        held.close()
        others.enter_context(uploads.reading("a"))


def test_fast_senders_of_one_address_wait_a_moment() -> None:
    """More at once than there are places: where bodies come quickly, each is read in its turn."""
    uploads = Uploads(total=48, per_bucket=2)
    together = threading.Barrier(16)

    def read(_number: int) -> bool:
        together.wait(10)
        with uploads.reading("a"):
            time.sleep(0.005)
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(16)))


def test_a_place_is_given_back_after_a_fault() -> None:
    """A body that cannot be read leaves nothing behind."""
    uploads = Uploads(total=1, per_bucket=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="torn"), uploads.reading("a"):
            raise ValueError("torn")


def test_threads_are_those_of_the_procfile() -> None:
    """The places are counted against the threads that there are."""
    line = procfile.read(procfile.find())["api"]
    assert f"--blocking-threads {THREADS} " in line


@pytest.fixture
def door(redis: Redis, settings: Settings, tmp_path: Path) -> Iterator[int]:
    """Run the Procfile's granian behind a trusted proxy on loopback; yields its port."""
    del redis  # emptied
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    file = tmp_path / "equerry.toml"
    file.write_text(
        f'data_dir = "{settings.data_dir}"\n'
        f'[redis]\nurl = "{settings.redis.url}"\n'
        '[api]\ntrusted_proxies = ["127.0.0.0/8"]\n'
        f'[[projects]]\nid = 1\nslug = "web"\nkey = "{WEB_KEY}"\n'
    )
    environ = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "EQUERRY_CONFIG": str(file),
        "EQUERRY_API_PORT": str(port),
    }
    line = procfile.read(procfile.find())["api"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line}"], env=environ, stdout=log, stderr=log, process_group=0
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                assert ask(port, "/livez")[0] == 200
                break
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def ask(port: int, path: str, address: str = "", body: bytes | None = None) -> tuple[int, float]:
    """Return the status and how long it took."""
    headers = {"X-Equerry-Key": WEB_KEY, "Content-Type": "application/json"}
    if address:
        headers["X-Forwarded-For"] = address
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310, the same
            status = answer.status
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
    return status, time.monotonic() - began


def test_forty_slow_senders(door: int) -> None:
    """One address drips on 40 connections: the probe, its own next report and others' are quick."""
    with contextlib.ExitStack() as dripping:
        slow = []
        for _ in range(40):
            drip = dripping.enter_context(socket.create_connection(("127.0.0.1", door)))
            drip.sendall(DRIP.format(key=WEB_KEY, address="203.0.113.9").encode())
            slow.append(drip)
        time.sleep(0.5)
        report = b'{"message":"x"}'
        answers = [
            ask(door, "/livez"),
            ask(door, "/api/errors", "203.0.113.9", report),
            ask(door, "/api/errors", "203.0.113.77", report),
        ]
        assert [status for status, _ in answers] == [200, 429, 202]
        assert max(seconds for _, seconds in answers) < 2
        refused = 0
        for drip in slow:
            drip.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                refused += drip.recv(12) == b"HTTP/1.1 429"
        assert refused == 40 - PER_BUCKET
    time.sleep(0.3)
    assert ask(door, "/api/errors", "203.0.113.9", report)[0] == 202
