"""What stands between a client and the door, and remembers what passed."""

import contextlib
import http.client
import http.server
import threading
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

FORWARD_SECONDS = 10.0
# What belongs to one connection, not to the message that passes through it.
_HOP_HEADERS = frozenset(
    {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}
)
_TYPES = {".html": "text/html", ".js": "text/javascript"}


class Passed(NamedTuple):
    """One exchange. headers, answered: names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answered: dict[str, str]


class Relay:
    """An HTTP server that hands every request on to a port on loopback, with its framing.

    tunnel: what is sent to `/hello` goes to this path. pages: a folder, whose files it serves
    first; a browser then finds its page and the tunnel on one origin. page_headers: sent with them.
    """

    def __init__(self, port: int, *, tunnel: str = "", pages: Path | None = None) -> None:
        self.page_headers: dict[str, str] = {}
        self.passed: list[Passed] = []
        self._port = port
        self._tunnel = tunnel
        self._pages = pages
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def dsn(self, key: str, project: int = 1) -> str:
        """Return the DSN that leads through here."""
        return f"http://{key}@127.0.0.1:{self.port}/{project}"

    def posts(self) -> list[Passed]:
        """Return what was posted so far."""
        return [each for each in self.passed if each.method == "POST"]

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
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):  # a page may be closed at any moment
                    super().handle()

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def pass_on(self) -> None:
                status, headers, said = relay._file(self.path) or relay._ask(self)
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_OPTIONS = pass_on  # noqa: N815 - http.server's names

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler

    def _file(self, path: str) -> tuple[int, dict[str, str], bytes] | None:
        file = self._pages / path.lstrip("/") if self._pages else None
        if file is None or not file.is_file():
            return None
        kind = _TYPES.get(file.suffix, "text/plain")
        return 200, {"Content-Type": kind, **self.page_headers}, file.read_bytes()

    def _ask(
        self, request: http.server.BaseHTTPRequestHandler
    ) -> tuple[int, dict[str, str], bytes]:
        path = self._tunnel if self._tunnel and request.path == "/hello" else request.path
        sent = _lower(request.headers)
        onward = {name: value for name, value in sent.items() if name not in _HOP_HEADERS}
        # @sentry/node sends no Content-Length: what came in chunks goes on in chunks.
        chunked = "transfer-encoding" in sent
        if chunked:
            parts = list(_chunks(request.rfile))
            onward["transfer-encoding"] = "chunked"
        else:
            parts = [request.rfile.read(int(sent.get("content-length", 0)))]
        door = http.client.HTTPConnection("127.0.0.1", self._port, timeout=FORWARD_SECONDS)
        try:
            body = iter(parts) if chunked else parts[0] or None
            door.request(request.command, path, body, onward, encode_chunked=chunked)
            answer = door.getresponse()
            status, answered, said = answer.status, _lower(answer.headers), answer.read()
        except OSError:  # a door that hangs up is seen in `passed`
            status, answered, said = 502, {}, b""
        finally:
            door.close()
        self.passed.append(
            Passed(request.command, request.path, sent, b"".join(parts), status, answered)
        )
        kept = {name: value for name, value in answered.items() if name not in _HOP_HEADERS}
        return status, kept, said


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _chunks(wire: BinaryIO) -> Iterator[bytes]:
    while size := int(wire.readline().split(b";")[0], 16):
        yield wire.read(size)
        wire.readline()
    wire.readline()
