"""The far end of the webhook: remembers when the alert of each title first came."""

import http.server
import threading
import time
from typing import Self

import msgspec


class Receiver:
    """An HTTP server on loopback that takes everything."""

    def __init__(self) -> None:
        self._came_at: dict[str, float] = {}
        self._arrival = threading.Condition()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def count(self) -> int:
        """How many titles have come."""
        return len(self._came_at)

    def wait(self, title: str, timeout_seconds: float) -> float | None:
        """Return when this title came, on the monotonic clock; None if it does not come."""
        with self._arrival:
            self._arrival.wait_for(lambda: title in self._came_at, timeout_seconds)
        return self._came_at.get(title)

    def take(self, body: bytes) -> None:
        """Note every finding of a notification."""
        now = time.perf_counter()
        with self._arrival:
            for finding in msgspec.json.decode(body)["findings"]:
                self._came_at.setdefault(finding["title"], now)
            self._arrival.notify_all()

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        return Handler
