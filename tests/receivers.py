"""Real receivers on loopback: an HTTP server and an SMTP sink that remember what came."""

import contextlib
import http.server
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


class Reply(NamedTuple):
    """What to answer. wait_seconds: before answering. drip_seconds: between bytes, headers too."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = MappingProxyType({})
    wait_seconds: float = 0.0
    drip_seconds: float = 0.0


class Received(NamedTuple):
    """One request. time: epoch seconds, when it had been read. headers: names in lower case.

    reply: what it was answered; one that waits may find its client gone.
    """

    path: str
    headers: dict[str, str]
    body: bytes
    time: float
    method: str
    reply: Reply


class HttpReceiver:
    """Answers each request from the queue of replies, then with `default`; keeps them all."""

    def __init__(
        self, *replies: Reply, default: Reply | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.requests: list[Received] = []
        self.default = default or Reply()
        self._replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self._closing = threading.Event()
        for reply in replies:
            self.answer(reply)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if tls:
            # The handshake is done on the request's own thread: a client that stalls holds nobody.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def answer(self, reply: Reply) -> None:
        """Put a reply at the end of the queue."""
        self._replies.put(reply)

    def wait_for(self, count: int, timeout_seconds: float = 10.0) -> list[Received]:
        """Return the requests once there are `count`; AssertionError if they don't come."""
        deadline = time.monotonic() + timeout_seconds
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} of {count} requests came"
            time.sleep(0.01)
        return list(self.requests)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self) -> Reply:
        try:
            return self._replies.get_nowait()
        except queue.Empty:
            return self.default

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):  # the client may leave at any moment
                    super().handle()

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()

            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = receiver._next()
                receiver.requests.append(
                    Received(self.path, headers, body, time.time(), self.command, reply)
                )
                receiver._send(self.wfile, reply)

            do_POST = do_GET = take  # noqa: N815 - http.server's names

            def log_message(self, *_arguments: object) -> None:
                pass

        return Handler

    def _send(self, wire: Any, reply: Reply) -> None:
        if self._closing.wait(reply.wait_seconds):
            return
        headers = {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} As told"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        whole = "\r\n".join([*lines, "", ""]).encode() + reply.body
        if not reply.drip_seconds:
            wire.write(whole)
            return
        for byte in whole:
            if self._closing.wait(reply.drip_seconds):
                return
            wire.write(bytes([byte]))


class SmtpSink:
    """Takes every mail, unless told otherwise by recipient; keeps the parsed messages.

    refuse: recipient → the SMTP reply to its RCPT, e.g. `450 later`. on_data: the reply to every
    message instead of taking it. auth: the one user and password, required when given.
    starttls: offered with this context (and then required). tls: TLS at once.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        refuse: dict[str, str] | None = None,
        on_data: str = "",
        auth: tuple[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.refuse = refuse or {}
        self.on_data = on_data
        self.auth = auth
        with socket.create_server((host, 0)) as free:
            self.port: int = free.getsockname()[1]
        self._controller = Controller(
            self,
            hostname=host,
            port=self.port,
            ssl_context=tls,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=starttls is not None,
            authenticator=self._authenticate if auth else None,
        )
        self._tls = tls is not None
        self.url = f"{'smtps' if tls else 'smtp'}://{host}:{self.port}"

    def wait_for(self, count: int, timeout_seconds: float = 10.0) -> list[EmailMessage]:
        """Return the messages once there are `count`; AssertionError if they don't come."""
        deadline = time.monotonic() + timeout_seconds
        while len(self.messages) < count:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {count} mails came"
            time.sleep(0.01)
        return list(self.messages)

    def __enter__(self) -> Self:
        """Start."""
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._controller.stop()

    def _authenticate(self, *given: Any) -> AuthResult:
        login = given[-1]
        assert isinstance(login, LoginPassword)
        right = self.auth == (login.login.decode(), login.password.decode())
        return AuthResult(success=right, handled=right)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        """Refuse whoever has not given the password, where there is one."""
        if self.auth and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Refuse as told, else take the recipient."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Session, envelope: Envelope
    ) -> str:
        """Refuse as told, else keep the message."""
        if self.on_data:
            return self.on_data
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.recipients.append(list(envelope.rcpt_tos))
        self.encrypted.append(self._tls or session.ssl is not None)
        self.messages.append(message)
        return "250 OK"
