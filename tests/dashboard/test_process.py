"""The Procfile's own line, started for real."""

import http.client
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from installation import PROCFILE, free_port, wait_until
from operators import MakeToken, Report

from equerry.settings import Settings
from equerry.tokens import Scope

LINE = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines())["dashboard"]


@pytest.fixture
def port(settings: Settings, tmp_path: Path) -> Iterator[int]:
    """Run the line over the test's settings; return its port once it listens."""
    port = free_port()
    file = tmp_path / "equerry.toml"
    [project] = settings.projects
    file.write_text(
        f'data_dir = "{settings.data_dir}"\n[redis]\nurl = "{settings.redis.url}"\n'
        f'[[projects]]\nid = {project.id}\nslug = "{project.slug}"\nkey = "{project.key}"\n'
    )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
    environ |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EQUERRY_CONFIG": str(file),
        "EQUERRY_DASHBOARD_PORT": str(port),
    }
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {LINE}"], cwd=tmp_path, env=environ, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: status(port, "/livez") == 200, (tmp_path / "out").read_text())
        yield port
    finally:
        began = time.monotonic()
        process.terminate()
        process.wait(20)
        assert time.monotonic() - began < 5


def status(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of a GET; 0 while nobody listens."""
    try:
        return get(port, path, headers)[0]
    except urllib.error.URLError:
        return 0


def get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of a GET."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310, http
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_starts_and_answers(port: int, report: Report, make_token: MakeToken) -> None:
    """The process reads what was reported, for a token only, and ends at once when told."""
    report("alpha")
    header = make_token()
    code, body = get(port, "/api/v1/issues", header)
    assert code == 200
    assert msgspec.json.decode(body)["issues"][0]["id"] == "WEB-1"
    assert status(port, "/api/v1/issues") == 401
    assert status(port, "/livez", {"Host": "rebound.example"}) == 403
    assert status(port, "/readyz") == 200


def test_a_chunked_body_is_read(port: int, report: Report, make_token: MakeToken) -> None:
    """A body without a Content-Length counts like any other, and so does its limit."""
    report("alpha")
    header = make_token(Scope.WRITE)
    for body, expected in (
        ([b'{"until_', b'count":5}'], 200),
        ([b'{"until_cnt":5}'], 400),
        ([b'{"x":"', *[b"x" * 8192] * 10, b'"}'], 413),
    ):
        headers = {**header, "Content-Type": "application/json"}
        path = "/api/v1/issues/WEB-1/ignore"
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("POST", path, body, headers, encode_chunked=True)
            answer = connection.getresponse()
            said = msgspec.json.decode(answer.read())
        assert answer.status == expected, said
        if expected == 200:
            assert said["issue"]["ignored_until"] == {"count": 6}
