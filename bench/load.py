"""A load generator in a process of its own: keep-alive connections, requests made beforehand.

One thread, one selector: a few microseconds a request, so that the server is what is measured.
`rate` spaces the requests evenly; without it each connection sends as soon as it has its answer.
"""

import random
import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import cycle

import msgspec

from bench import child, events, rounds, sdk_events
from bench.ground import KEY, PROJECT

CONNECTIONS = 16
TIMEOUT_SECONDS = 20.0
ENVELOPES = f"/api/{PROJECT}/envelope/"
# To Equerry's own reports, and to SDKs.
ACCEPTED = (202, 200)
BODIES = 2_000
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def requests(size_bytes: int, noise_share: float, form: str, seed: int) -> list[bytes]:
    """Return whole HTTP requests, each with one report of about this size, in a random order.

    form: `errors`, or `envelopes` of Sentry's SDKs.
    """
    if form == "envelopes":
        sent = sdk_events.events(BODIES, size_bytes, issues=events.TEMPLATES, seed=seed)
        return [request(sdk_events.envelope(event), ENVELOPES) for event in sent]
    noise = int(BODIES * noise_share)
    bodies = events.reports(BODIES - noise, size_bytes, seed) + events.script_errors(noise)
    random.Random(seed).shuffle(bodies)
    return [request(msgspec.json.encode(body)) for body in bodies]


def request(body: bytes, path: str = "/api/errors") -> bytes:
    """Return a POST of this body, with the key as Equerry's own reporters and SDKs send it."""
    return (
        b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"User-Agent: %b\r\nX-Equerry-Key: %b\r\nX-Sentry-Auth: Sentry sentry_key=%b\r\n"
        b"Content-Length: %d\r\n\r\n%b"
        % (
            path.encode(),
            events.SENDER.user_agent.encode(),
            KEY.encode(),
            KEY.encode(),
            len(body),
            body,
        )
    )


class _Connection:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._buffer = b""

    def send(self, whole: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(whole)

    def status(self) -> int:
        """Read what is there; return the status once the answer is whole, 0 before."""
        part = self.socket.recv(65_536)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        self._buffer += part
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return 0
        self._buffer = b""
        return int(head[9:12])


class Load:
    """A run's figures: answers of 202, other answers, milliseconds each took."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self.took_ms: list[float] = []


def run(port: int, wholes: Sequence[bytes], seconds: float, rate: float = 0) -> child.Answer:
    """Send for this long. Raises OSError where the server goes away."""
    load, bodies = Load(), cycle(wholes)
    connections = [_Connection(port) for _ in range(CONNECTIONS)]
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        free = deque(connections)
        began = time.perf_counter()
        _drive(selector, free, bodies, load, began + seconds, rate)
        elapsed = time.perf_counter() - began
    for connection in connections:
        connection.socket.close()
    return {
        "accepted": load.accepted,
        "refused": load.refused,
        "seconds": elapsed,
        "p50_ms": rounds.percentile(load.took_ms, 0.50),
        "p99_ms": rounds.percentile(load.took_ms, 0.99),
    }


def _drive(
    selector: selectors.BaseSelector,
    free: deque[_Connection],
    bodies: Iterator[bytes],
    load: Load,
    until: float,
    rate: float,
) -> None:
    """Send while there is time, then wait for the answers that are on their way."""
    count, due = len(free), time.perf_counter()
    while True:
        now = time.perf_counter()
        while free and now < until and (not rate or now >= due):
            free.popleft().send(next(bodies))
            due += 1 / rate if rate else 0
        if now >= until and len(free) == count:
            return
        wait = max(0.0, min(due, until) - now) if free and now < until else TIMEOUT_SECONDS
        ready = selector.select(wait)
        if not ready and wait == TIMEOUT_SECONDS:
            raise TimeoutError("no answer from the server")
        for key, _ in ready:
            connection: _Connection = key.data
            status = connection.status()
            if status:
                load.took_ms.append((time.perf_counter() - connection.sent_at) * 1000)
                load.accepted += status in ACCEPTED
                load.refused += status not in ACCEPTED
                free.append(connection)


def main() -> None:
    """Answer `{"port", "seconds", "size_bytes", "rate", "noise_share", "form"}` with figures."""
    made: dict[tuple[int, float, str], list[bytes]] = {}

    def handle(command: child.Answer) -> child.Answer:
        shares = command.get("noise_share", 0.0)
        kind = (command["size_bytes"], shares, command.get("form", "errors"))
        if kind not in made:
            made[kind] = requests(*kind, seed=2)
        return run(command["port"], made[kind], command["seconds"], command.get("rate", 0))

    child.serve(handle)


if __name__ == "__main__":
    main()
