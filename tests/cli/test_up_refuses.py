import os
import shutil
import socket
from collections.abc import Iterator

import pytest
from up_process import MakeUp, Up


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Hold a port as another server would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refused(up: Up, **environ: str) -> str:
    """Start it, and return the one line with which it refused."""
    up.start(**environ)
    up.wait_for(lambda: up.code is not None)
    assert up.code == 2, up.text
    assert up.alive() == []
    [line] = up.text.splitlines()
    return line


@pytest.mark.parametrize("section", ["api", "dashboard", "flower"])
def test_port_in_use(make_up: MakeUp, taken_port: int, section: str) -> None:
    """A port in use names the setting, the variable and who holds it."""
    up = make_up(f"{section}: sleep 1000\n")
    line = refused(up, **{f"EQUERRY_{section.upper()}_PORT": str(taken_port)})
    assert f"{section}.port: {taken_port} on 127.0.0.1: Address already in use" in line
    assert f"(pid {os.getpid()})" in line
    assert f"EQUERRY_{section.upper()}_PORT" in line
    assert not (up.data / "valkey").exists()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"EQUERRY_API_PORT": "eight"}, "EQUERRY_API_PORT: invalid literal"),
        ({"EQUERRY_API_PORT": "70000"}, "api.port: "),
        ({"EQUERRY_NO_SUCH": "1"}, "EQUERRY_NO_SUCH: no such setting"),
        ({"EQUERRY_API_HOST": "no.such.invalid"}, "api.host: 'no.such.invalid'"),
        ({"EQUERRY_API_PORT": "8123", "EQUERRY_FLOWER_PORT": "8123"}, "flower.port: 8123 is api"),
        ({"EQUERRY_CONFIG": "no/such/equerry.toml"}, "no/such/equerry.toml: cannot be written"),
        ({"EQUERRY_REDIS_URL": "http://x"}, "redis.url: takes redis://"),
        ({"EQUERRY_DATA_DIR": "/dev/null/var"}, "data_dir: /dev/null/var: Not a directory"),
    ],
)
def test_bad_setting(make_up: MakeUp, environ: dict[str, str], expected: object) -> None:
    """A bad setting is one line that names it, and nothing is started."""
    line = refused(make_up("api: sleep 1000\nflower: sleep 1000\n"), **environ)
    assert expected in line


def test_unreachable_redis(make_up: MakeUp, free_port: int) -> None:
    """An unreachable Redis is named, its password is not."""
    url = f"redis://:hunter2@127.0.0.1:{free_port}/0"
    line = refused(make_up("steady: sleep 1000\n"), EQUERRY_REDIS_URL=url)
    assert f"redis.url (EQUERRY_REDIS_URL): redis://***@127.0.0.1:{free_port}/0: " in line
    assert "hunter2" not in line


def test_second_up_on_the_same_data(make_up: MakeUp) -> None:
    """A second one on the same data directory names the first and leaves it alone."""
    first = make_up("steady: sleep 1000\n")
    first.ready()
    running = first.alive()
    second = make_up("steady: sleep 1000\n")
    second.starts = 10
    second.start()
    second.wait_for(lambda: second.code is not None)
    assert second.code == 2
    assert f"data_dir: another `equerry up` (pid {first.process.pid})" in second.text
    assert first.alive() == running


def test_folder_with_packages_of_the_same_name(make_up: MakeUp) -> None:
    """A folder whose own `api` package would be run in place of Equerry's is refused."""
    up = make_up("steady: sleep 1000\n")
    (up.folder / "api").mkdir()
    (up.folder / "api" / "__init__.py").touch()
    assert "has a Python package `api` of its own" in refused(up)


def test_bad_procfile(make_up: MakeUp) -> None:
    """A line that is no `name: command` is named by file and number."""
    line = refused(make_up("steady: sleep 1000\nnonsense\n"))
    assert "Lines:2: takes `name: command`" in line


def test_damaged_valkey_data(make_up: MakeUp) -> None:
    """Valkey data that its server refuses is a fault that is told, not a loop without end."""
    up = make_up("steady: sleep 1000\n")
    up.ready()
    up.stop()
    shutil.rmtree(up.data / "valkey" / "appendonlydir")
    (up.data / "valkey" / "appendonlydir").write_text("no directory")
    up.start()
    up.wait_for(lambda: up.code is not None)
    assert up.code == 1
    assert "the embedded Valkey does not start" in up.text.splitlines()[-1]
    assert up.alive() == []
