"""Whether what was started answers; asked again and again while it starts."""

import socket
import time

from equerry.cli import embedded
from equerry.cli.address import reachable
from equerry.cli.output import Output
from equerry.cli.process import Process
from equerry.errors import EquerryError
from equerry.settings import Settings

# On 2 slow cores with a cold disk the slowest server, Flower, answers after about 10 s.
READY_SECONDS = 45.0
PROBE_SECONDS = 0.5
# So often in a row the embedded Valkey may end before it ever answered.
VALKEY_TRIES = 3
TELL_EVERY_SECONDS = 1.0


class ValkeyLoad:
    """The embedded Valkey on its way up; a long load of its log is told as it goes on."""

    def __init__(self, valkey: Process, output: Output, settings: Settings) -> None:
        self._valkey = valkey
        self._output = output
        self._settings = settings
        self._told_at = time.monotonic()

    def done(self) -> bool:
        """Tell whether it answers. Raises EquerryError once it failed to start three times."""
        if self._valkey.failures >= VALKEY_TRIES:
            last = self._valkey.last_lines[-1] if self._valkey.last_lines else "it said nothing"
            raise EquerryError(
                f"the embedded Valkey does not start: {last}"
                f" (its data: {self._settings.data_path / 'valkey'})"
            )
        state = embedded.state(self._settings)
        now = time.monotonic()
        if not state.ready and now - self._told_at >= TELL_EVERY_SECONDS:
            self._told_at = now
            percent = round(state.loaded_percent)
            self._output.say("valkey-loading", f"Valkey loads its data: {percent} %")
        return state.ready


class Servers:
    """The servers on their way up. missing: those of the Procfile that don't answer yet."""

    def __init__(self, settings: Settings, names: frozenset[str]) -> None:
        self._settings = settings
        self._deadline = time.monotonic() + READY_SECONDS
        self.missing = tuple(name for name in ("api", "dashboard", "flower") if name in names)

    def done(self) -> bool:
        """Tell whether there is nothing to wait for any more: all answer, or 45 s are over."""
        self.missing = tuple(name for name in self.missing if not self._answers(name))
        return not self.missing or time.monotonic() >= self._deadline

    def _answers(self, name: str) -> bool:
        if name == "api":
            return _is_alive(self._settings.api.host, self._settings.api.port)
        if name == "dashboard":
            return _is_alive(self._settings.dashboard.host, self._settings.dashboard.port)
        return _is_listening(self._settings.flower.host, self._settings.flower.port)


def _is_alive(host: str, port: int) -> bool:
    """Ask for /livez; without http.client, which costs `equerry up` 5 MB for one line."""
    try:
        with socket.create_connection((reachable(host), port), PROBE_SECONDS) as connection:
            connection.sendall(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def _is_listening(host: str, port: int) -> bool:
    try:
        with socket.create_connection((reachable(host), port), PROBE_SECONDS):
            return True
    except OSError:
        return False
