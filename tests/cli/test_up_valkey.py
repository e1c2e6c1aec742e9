import os
import signal
from pathlib import Path

import psutil
import pytest
import redis
from up_process import MakeUp, Up

from equerry.settings import SOCKET_PATH_MAX_BYTES, Settings

STEADY = "steady: sh -c 'echo started $$; sleep 1000'\n"


def connect(up: Up) -> redis.Redis:
    """Connect to its Valkey."""
    return redis.Redis.from_url(Settings(data_dir=str(up.data)).redis_url)


def valkey_pid(up: Up) -> int:
    """Return its Valkey's pid."""
    [pid] = [pid for pid in up.alive() if psutil.Process(pid).name() == "valkey-server"]
    return pid


def test_data_survive_a_killed_valkey_and_a_restart(make_up: MakeUp) -> None:
    """What was acknowledged is there after kill -9 of Valkey, and after the next `equerry up`."""
    up = make_up(STEADY)
    up.ready()
    with connect(up) as client:
        for number in range(1000):
            client.rpush("numbers", number)
        first = valkey_pid(up)
        os.kill(first, signal.SIGKILL)
        up.wait_for(lambda: answers(client))
        assert client.llen("numbers") == 1000
        assert valkey_pid(up) != first
    assert up.pid("started")
    assert len(up.pids("started")) == 1  # the others were not touched
    up.stop()
    up.ready()
    with connect(up) as client:
        assert client.llen("numbers") == 1000


def answers(client: redis.Redis) -> bool:
    """Tell whether it answers."""
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_valkey_is_configured_to_keep_all(make_up: MakeUp) -> None:
    """Append-only with fsync as set, no eviction, no TCP port, a socket for this user only."""
    up = make_up(STEADY)
    up.ready(EQUERRY_REDIS_FSYNC="everysec")
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "port": "0",
        "aof-load-truncated": "yes",
    }
    with connect(up) as client:
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
    socket = Settings(data_dir=str(up.data)).valkey_socket
    assert socket.stat().st_mode & 0o777 == 0o700


def test_log_cut_off_in_its_last_command(make_up: MakeUp) -> None:
    """A half-written last command, as a crash leaves it, does not keep Valkey from starting."""
    up = make_up(STEADY)
    up.ready()
    with connect(up) as client:
        client.set("kept", 1)
    up.stop()
    [log] = (up.data / "valkey" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nha")
    up.ready()
    with connect(up) as client:
        assert client.get("kept") == b"1"


def test_deep_data_directory(make_up: MakeUp) -> None:
    """Where the socket's path would be too long for the system, it lies in a private folder."""
    up = make_up(STEADY)
    up.data = up.folder / ("deep-" * 20) / "var"
    up.ready(EQUERRY_DATA_DIR=str(up.data))
    socket = Settings(data_dir=str(up.data)).valkey_socket
    assert socket.parent.stat().st_mode & 0o777 == 0o700
    with connect(up) as client:
        assert client.ping()
    up.stop()
    socket.parent.rmdir()


@pytest.mark.parametrize("length", [1, 60, 61, 62, 100, 300])
def test_socket_path_is_never_too_long(length: int) -> None:
    """At every depth of the data directory, the socket's path fits, and equal input, equal path."""
    data_dir = "/" + "d" * length
    socket = Settings(data_dir=data_dir).valkey_socket
    assert len(os.fsencode(socket)) <= SOCKET_PATH_MAX_BYTES
    assert socket == Settings(data_dir=data_dir).valkey_socket
    assert Path(data_dir) in socket.parents or socket.parent.parent == Path("/tmp")


def test_own_redis_instead(make_up: MakeUp, tmp_path: Path) -> None:
    """With EQUERRY_REDIS_URL no Valkey is started."""
    other = make_up(STEADY)
    other.folder = tmp_path / "other"
    other.folder.mkdir()
    other.data = other.folder / "var"
    other.ready()
    up = make_up(STEADY)
    up.ready(EQUERRY_REDIS_URL=Settings(data_dir=str(other.data)).redis_url)
    names = {psutil.Process(pid).name() for pid in up.alive()}
    assert names
    assert "valkey-server" not in names
