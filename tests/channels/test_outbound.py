import socket
import ssl
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from receivers import HttpReceiver, Reply

from equerry import outbound
from equerry.errors import DeliveryError
from equerry.outbound import Answer

NOW = 1_795_532_400.0
"""Tue, 24 Nov 2026 15:00:00 GMT."""


def resolver(*addresses: str) -> outbound.Resolver:
    """Make a resolver that knows these addresses for every name."""

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


def test_post() -> None:
    """Body, headers, path and query arrive; the answer comes back with its first KiB only."""
    reply = Reply(202, b"x" * 5000, {"Retry-After": "7"})
    with HttpReceiver(reply) as receiver:
        answer = outbound.post(
            f"{receiver.url}/hook?a=1&b=%20#part", b"{}", {"X-One": "1"}, allow_private=True
        )
    assert answer == Answer(202, 7.0, b"x" * 1024)
    request = receiver.requests[0]
    assert (request.method, request.path, request.body) == ("POST", "/hook?a=1&b=%20", b"{}")
    assert request.headers["x-one"] == "1"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["user-agent"] == "Equerry"


def test_get() -> None:
    """A GET has no body and an empty path is the root; letters beyond ASCII are encoded."""
    with HttpReceiver() as receiver:
        outbound.get(receiver.url, {}, allow_private=True)
        outbound.get(f"{receiver.url}/é", {}, allow_private=True)
    assert [(request.method, request.path) for request in receiver.requests] == [
        ("GET", "/"),
        ("GET", "/%C3%A9"),
    ]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_private_receiver_is_refused(host: str) -> None:
    """However loopback is written, no request leaves, and the message names the setting."""
    with HttpReceiver() as receiver, pytest.raises(DeliveryError) as refusal:
        outbound.post(f"http://{host}:{receiver.port}/", b"", {}, allow_private=False)
    assert refusal.value.permanent
    assert "EQUERRY_ALERT_ALLOW_PRIVATE" in str(refusal.value)
    assert "alerts.allow_private" in str(refusal.value)
    assert receiver.requests == []


@pytest.mark.parametrize(
    "addresses", [("10.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("64:ff9b::7f00:1", "8.8.8.8")]
)
def test_every_answer_is_checked(addresses: tuple[str, ...]) -> None:
    """One private address among public ones is enough to refuse the name."""
    with pytest.raises(DeliveryError, match="not a public address") as refusal:
        outbound.get("http://a.test/", {}, allow_private=False, resolve=resolver(*addresses))
    assert refusal.value.permanent


def test_name_that_changes_its_mind() -> None:
    """The name is asked once: what it would say the second time (rebinding) is never heard."""
    asked: list[str] = []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ("2001:db8::1",) if len(asked) == 1 else ("127.0.0.1",)

    with HttpReceiver() as receiver, pytest.raises(DeliveryError):
        outbound.post(
            f"http://rebind.test:{receiver.port}/",
            b"",
            {},
            allow_private=True,
            timeout_seconds=0.5,
            resolve=rebinding,
        )
    assert asked == ["rebind.test"]
    assert receiver.requests == []


def test_connects_to_the_address_that_was_checked() -> None:
    """The connection goes to the resolver's address, the Host header keeps the name."""
    with HttpReceiver() as receiver:
        url = f"http://hooks.example.test:{receiver.port}/"
        outbound.get(url, {}, allow_private=True, resolve=resolver("127.0.0.1"))
    assert receiver.requests[0].headers["host"] == f"hooks.example.test:{receiver.port}"


def test_next_address_when_one_is_dead() -> None:
    """A name's further addresses are tried within the same time."""
    with HttpReceiver() as receiver:
        url = f"http://hooks.example.test:{receiver.port}/"
        answer = outbound.get(url, {}, allow_private=True, resolve=resolver("::1", "127.0.0.1"))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", "http://"),
        ("file:///etc/passwd", "http://"),
        ("http://good.example@10.0.0.1/", "user"),
        ("http://user:secret@example.org/", "user"),
        ("http://good.example\\@10.0.0.1/", "backslash"),
        ("http://exa mple.org/", "blank"),
        ("http://example.org/\r\nX-Evil: 1", "blank"),
        ("http:///path", "host"),
        ("http://example.org:70000/", "port"),
        ("http://example.org:x/", "port"),
        ("http://[::1/", "host"),
        (f"http://{'a' * 64}.org/", "host"),
    ],
)
def test_address_that_cannot_be_used(url: str, why: str) -> None:
    """A malformed or ambiguous address is refused for good and never quoted."""
    with pytest.raises(DeliveryError, match=why) as refusal:
        outbound.post(url, b"", {}, allow_private=True)
    assert refusal.value.permanent
    assert "secret" not in str(refusal.value)
    assert "example" not in str(refusal.value)


def test_redirect_is_an_answer() -> None:
    """A redirect is handed back; nobody goes where it points."""
    with HttpReceiver() as inside:
        with HttpReceiver(Reply(302, headers={"Location": f"{inside.url}/secret"})) as receiver:
            answer = outbound.post(receiver.url, b"", {}, allow_private=True)
        assert answer.status == 302
        assert inside.requests == []


def test_environment_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment would undo the guard, so it does not take part."""
    with HttpReceiver() as proxy, HttpReceiver() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        outbound.get(receiver.url, {}, allow_private=True)
    assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


@pytest.mark.parametrize(
    "reply",
    [Reply(wait_seconds=30), Reply(drip_seconds=0.1)],
    ids=["hanging", "dripping headers"],
)
def test_slow_receiver(reply: Reply) -> None:
    """A receiver that hangs or drips is left at the deadline; trying again later makes sense."""
    with HttpReceiver(reply) as receiver:
        started = time.monotonic()
        with pytest.raises(DeliveryError, match=r"no answer within 0\.5 s") as failure:
            outbound.post(receiver.url, b"", {}, allow_private=True, timeout_seconds=0.5)
        assert time.monotonic() - started < 1.5
    assert not failure.value.permanent


def test_dripping_body() -> None:
    """Once the status is said the request is answered: a body that drips is cut at the deadline."""
    with HttpReceiver(Reply(drip_seconds=0.01, body=b"y" * 1000)) as receiver:
        started = time.monotonic()
        answer = outbound.get(receiver.url, {}, allow_private=True, timeout_seconds=2)
        assert time.monotonic() - started < 3
    assert answer.status == 200
    assert 0 < len(answer.body) < 1000


def test_huge_answer() -> None:
    """Of a huge body only the first KiB is read."""
    with HttpReceiver(Reply(500, b"z" * 50_000_000)) as receiver:
        started = time.monotonic()
        answer = outbound.post(receiver.url, b"", {}, allow_private=True)
    assert answer == Answer(500, None, b"z" * 1024)
    assert time.monotonic() - started < 2


def test_slow_resolver() -> None:
    """A resolver that hangs is left at the deadline too."""

    def slow(_host: str, _port: int) -> Sequence[str]:
        time.sleep(1)
        return ("127.0.0.1",)

    started = time.monotonic()
    with pytest.raises(DeliveryError, match="no answer") as failure:
        outbound.get("http://a.test/", {}, allow_private=True, timeout_seconds=0.2, resolve=slow)
    assert time.monotonic() - started < 0.8
    assert not failure.value.permanent


def test_nobody_there() -> None:
    """A refused connection and a name that does not exist may heal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]

    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for url, resolve in (
        (f"http://127.0.0.1:{closed}/", outbound.system_addresses),
        ("http://a.test/", unknown),
        ("http://a.test/", resolver()),
    ):
        with pytest.raises(DeliveryError) as failure:
            outbound.get(url, {}, allow_private=True, resolve=resolve)
        assert not failure.value.permanent


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_receiver_that_does_not_speak_http(said: bytes) -> None:
    """Whatever answers, the failure is a DeliveryError that may heal."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def speak() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(said)

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(DeliveryError) as failure:
            outbound.get(f"http://127.0.0.1:{port}", {}, allow_private=True)
        thread.join()
    assert not failure.value.permanent


def test_tls_goes_by_the_name(
    certificate: Path, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SNI and certificate are the name's, though the connection goes to an address."""
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with HttpReceiver(tls=server_tls) as receiver:
        url = f"https://hooks.example.test:{receiver.port}/"
        answer = outbound.post(url, b"{}", {}, allow_private=True, resolve=resolver("127.0.0.1"))
        assert answer.status == 200
        assert asked == ["hooks.example.test"]
        with pytest.raises(DeliveryError, match=r"(?i)certificate"):
            outbound.post(
                url.replace("hooks", "other"),
                b"{}",
                {},
                allow_private=True,
                resolve=resolver("127.0.0.1"),
            )
    assert len(receiver.requests) == 1


def test_tls_of_a_stranger(server_tls: ssl.SSLContext) -> None:
    """A certificate that no trusted authority signed gets nothing; it may be renewed."""
    with HttpReceiver(tls=server_tls) as receiver:
        url = f"https://hooks.example.test:{receiver.port}/"
        with pytest.raises(DeliveryError, match=r"(?i)certificate") as failure:
            outbound.post(url, b"", {}, allow_private=True, resolve=resolver("127.0.0.1"))
    assert not failure.value.permanent
    assert receiver.requests == []


def test_tls_handshake_that_hangs() -> None:
    """A server that never answers the handshake is left at the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(DeliveryError, match="no answer"):
            outbound.post(url, b"", {}, allow_private=True, timeout_seconds=0.3)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("99999", 3600.0),
        ("9" * 5000, 3600.0),
        ("Tue, 24 Nov 2026 15:01:30 GMT", 90.0),
        ("Tue, 24 Nov 2026 14:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2099 15:00:00 GMT", 3600.0),
        ("Tue, 99 Nov 2026 15:01:30 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """Seconds and HTTP dates are read, bounded to an hour; nonsense is as if nothing was said."""
    assert outbound.retry_after(value, NOW) == seconds
