"""Requests to addresses that somebody typed in: Slack, webhooks, the heartbeat.

A name is resolved once, every answer is checked, and the connection goes to an address that was
checked: a name that changes its mind in between reaches nothing. Redirects are answers, not
followed. Proxies of the environment are not used. Certificates are checked against the system's
trust store; `SSL_CERT_FILE` names another.
"""

import contextlib
import email.utils
import http.client
import queue
import re
import socket
import ssl
import string
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from equerry.errors import DeliveryError
from equerry.public_address import is_public

KEPT_BYTES = 1024
MAX_RETRY_AFTER_SECONDS = 3600.0

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port in, its addresses out, best first. Fails with OSError."""


class Answer(msgspec.Struct, frozen=True):
    """What the receiver said. body: its first KiB. retry_after_seconds: at most an hour."""

    status: int
    retry_after_seconds: float | None = None
    body: bytes = b""


class _Target(NamedTuple):
    tls: bool
    host: str
    port: int
    path: str


def system_addresses(host: str, port: int) -> tuple[str, ...]:
    """Resolve by the system's rules, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allow_private: bool,
    timeout_seconds: float = 5.0,
    resolve: Resolver = system_addresses,
) -> Answer:
    """POST once and return the answer, whatever its status.

    timeout_seconds bounds the whole of it: name, connection, TLS, request and answer.
    Raises DeliveryError: permanent for an address that is malformed or not public, temporary for
    what may heal (no such name yet, no connection, a bad certificate, no answer in time).
    """
    return _ask(
        "POST", url, body, headers, guard=not allow_private, seconds=timeout_seconds, find=resolve
    )


def get(
    url: str,
    headers: Mapping[str, str],
    *,
    allow_private: bool,
    timeout_seconds: float = 5.0,
    resolve: Resolver = system_addresses,
) -> Answer:
    """GET once; otherwise as `post`."""
    return _ask(
        "GET", url, None, headers, guard=not allow_private, seconds=timeout_seconds, find=resolve
    )


def retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date, as seconds from `now` (epoch seconds).

    Never negative, at most MAX_RETRY_AFTER_SECONDS; None where the header says nothing.
    """
    value = value.strip()
    if re.fullmatch("[0-9]+", value):
        seconds = float(value[:10])
    else:
        try:
            moment = email.utils.parsedate_to_datetime(value)
            seconds = moment.timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _ask(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    guard: bool,
    seconds: float,
    find: Resolver,
) -> Answer:
    deadline = time.monotonic() + seconds
    target = _target(url)
    try:
        addresses = _resolved(target, find, deadline)
        if guard:
            _refuse_private(target.host, addresses)
        with _connected(target, addresses, deadline) as connection:
            connection.request(
                method,
                target.path,
                body,
                {"User-Agent": "Equerry", **headers, "Connection": "close"},
            )
            with connection.getresponse() as response:
                return _answer(response)
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() >= deadline or isinstance(error, TimeoutError)
        what = f"no answer within {seconds:g} s" if late else str(error) or type(error).__name__
        raise DeliveryError(f"{target.host}: {what}", permanent=False) from error


def _target(url: str) -> _Target:
    """Take a URL apart, once; what parsers disagree about is refused.

    The message never quotes the URL: a Slack address is a secret.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError as error:
        raise DeliveryError("the address holds no valid host and port", permanent=True) from error
    fault = (
        (parts.scheme not in {"http", "https"} and "does not start with http:// or https://")
        or (re.search(r"[\x00-\x20\x7f\\]", url) and "holds a blank or a backslash")
        or ("@" in parts.netloc and "holds a user or a password, which is not supported")
        or (not host and "names no host")
    )
    if fault:
        raise DeliveryError(f"the address {fault}", permanent=True)
    tls = parts.scheme == "https"
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    quoted = urllib.parse.quote(path, safe=string.punctuation)
    return _Target(tls, host, port or (443 if tls else 80), quoted)


def _resolved(target: _Target, find: Resolver, deadline: float) -> Sequence[str]:
    """Resolve within the deadline; getaddrinfo itself knows none and may take half a minute."""
    said: queue.SimpleQueue[Sequence[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            said.put(find(target.host, target.port))
        except OSError as error:
            said.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        addresses = said.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty as error:
        raise TimeoutError(target.host) from error
    if isinstance(addresses, OSError):
        raise addresses
    if not addresses:
        raise OSError("the name has no address")
    return addresses


def _refuse_private(host: str, addresses: Sequence[str]) -> None:
    for address in addresses:
        if not is_public(address):
            raise DeliveryError(
                f"{host} is at {address}, which is not a public address. If this receiver is your "
                "own, set alerts.allow_private = true (EQUERRY_ALERT_ALLOW_PRIVATE=true).",
                permanent=True,
            )


@contextlib.contextmanager
def _connected(
    target: _Target, addresses: Sequence[str], deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """Connect to the first address that answers; Host, SNI and certificate go by the name."""
    connection: http.client.HTTPConnection
    with _reach(addresses, target.port, deadline) as plain, _cut_off(plain, deadline):
        if target.tls:
            tls = ssl.create_default_context()
            connection = http.client.HTTPSConnection(target.host, target.port, context=tls)
            connection.sock = tls.wrap_socket(plain, server_hostname=target.host)
        else:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.sock = plain
        with contextlib.closing(connection):
            yield connection


def _reach(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """Return a connection; the time left is shared among the addresses that are left."""
    failure: OSError = TimeoutError()
    for tried, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            plain = socket.create_connection((address, port), left / (len(addresses) - tried))
        except OSError as error:
            failure = error
        else:
            plain.settimeout(left)
            return plain
    raise failure


@contextlib.contextmanager
def _cut_off(plain: socket.socket, deadline: float) -> Iterator[None]:
    """Shut the connection down at the deadline.

    A socket's own timeout starts afresh with every byte, so a receiver that drips could hold a
    worker for hours. The duplicate is needed because TLS takes the first descriptor over.
    """
    handle = plain.dup()

    def shut() -> None:
        with contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        handle.close()


def _answer(response: http.client.HTTPResponse) -> Answer:
    body = bytearray()
    # The status has been said; a body that breaks off or drips changes nothing about it.
    with contextlib.suppress(OSError, http.client.HTTPException):
        while len(body) < KEPT_BYTES and (piece := response.read1(KEPT_BYTES - len(body))):
            body += piece
    return Answer(
        response.status,
        retry_after(response.getheader("Retry-After", ""), time.time()),
        bytes(body),
    )
