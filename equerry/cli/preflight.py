"""What `equerry up` checks before it starts anything: one line for what is in the way."""

import fcntl
import importlib
import os
import socket
from pathlib import Path
from typing import TextIO

import psutil

import equerry
from equerry.errors import SettingsError
from equerry.settings import Settings

# The packages that the processes import by name; both servers look in the current folder first.
PACKAGES = ("api", "workers", "dashboard", "equerry")


def lock(data_path: Path) -> TextIO:
    """Take the data directory for this `equerry up`, for as long as the file stays open.

    Raises SettingsError if another one holds it.
    """
    try:
        file = (data_path / "up.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"data_dir: {error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise SettingsError(
            f"data_dir: another `equerry up` (pid {holder}) runs on {data_path}"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_folder(folder: Path) -> None:
    """Refuse a folder with an `api`, `workers` … of its own: they would be run in place of ours."""
    ours = Path(equerry.__file__).resolve().parent.parent
    if folder.resolve() == ours:
        return
    for name in PACKAGES:
        if (folder / name / "__init__.py").exists() or (folder / f"{name}.py").exists():
            raise SettingsError(
                f"{folder}: has a Python package `{name}` of its own, which would be run in place"
                " of Equerry's; start `equerry up` in another folder (EQUERRY_CONFIG names the"
                " settings)"
            )


def check_ports(settings: Settings, names: frozenset[str]) -> None:
    """Check that the ports of these processes are free.

    Raises SettingsError, which names the setting and, where the system tells, who has the port.
    """
    servers = {
        "api": ("api", settings.api.host, settings.api.port),
        "dashboard": ("dashboard", settings.dashboard.host, settings.dashboard.port),
        "flower": ("flower", settings.flower.host, settings.flower.port),
    }
    taken: dict[int, str] = {}
    for section, host, port in (servers[name] for name in servers if name in names):
        if port in taken:
            raise SettingsError(f"{section}.port: {port} is {taken[port]}.port too")
        taken[port] = section
        _check_port(section, host, port)


def _check_port(section: str, host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"{section}.host: {host!r}: {error.strerror}") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            variable = f"EQUERRY_{section.upper()}_PORT"
            raise SettingsError(
                f"{section}.port: {port} on {host}: {error.strerror}{_holder(port)};"
                f" {variable} takes another port"
            ) from error


def _holder(port: int) -> str:
    """Name the process that listens on the port, or nothing: only its owner may see it."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""


def check_redis(settings: Settings) -> None:
    """Check that the configured Redis answers. Raises SettingsError, which names the setting."""
    if settings.redis.url:
        # Imported here: it is 12 MB that an `equerry up` with its own Valkey does without.
        importlib.import_module("equerry.cli.redis_check").check(settings.redis.url)
