"""Who may ask what of the operator's process.

A loopback port is in reach of every page in a browser on that machine. So a Host that is not ours
is refused (a name that was rebound to this address), nothing is allowed to other origins, and there
are no cookies: a token comes in `Authorization: Bearer …`, which no page can send for its visitor.
"""

import logging
import threading
from typing import NoReturn
from urllib.parse import urlsplit

from flask import Flask, g, request

from equerry import clock, tokens
from equerry.clock import MINUTE_MS
from equerry.errors import Cause, Refused
from equerry.redis_client import Redis
from equerry.settings import Dashboard
from equerry.tokens import Scope, Token

log = logging.getLogger(__name__)

# Endpoints that anyone may ask who reaches the port: by their rule.
OPEN = frozenset({"/livez", "/readyz", "/api/v1/openapi.json"})
READING = frozenset({"GET", "HEAD"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104, told apart, not bound
SCHEME = "bearer"
# Wrong tokens from one address in a minute; what is beyond is told to wait. A token has 192 random
# bits, so this keeps no guess out: it has a script with an old token slow down, and the log short.
WRONG_PER_MINUTE = 20
ADDRESSES = 1_024


class Access:
    """Checks each request of an app before its endpoint runs."""

    def __init__(self, settings: Dashboard, redis: Redis) -> None:
        own = frozenset({settings.host, *settings.hosts}) - ANY_ADDRESS
        self._hosts = LOOPBACK | {host.lower() for host in own}
        self._redis = redis
        self._wrong = Wrong()

    def install(self, app: Flask) -> None:
        """Have every request of this app checked."""
        app.before_request(self.check)

    def check(self) -> None:
        """Let the request through, or raise Refused: 401, 403 or 429.

        What is read needs the scope `read`, everything else `write`. Paths and methods that there
        are not, Flask itself answers.
        """
        self._check_host()
        if request.method not in READING:
            self._check_origin()
        if request.url_rule is None or request.url_rule.rule in OPEN:
            return
        g.token = self._token()
        scope = Scope.READ if request.method in READING else Scope.WRITE
        if scope not in g.token.scopes:
            raise Refused(
                403,
                f"this token may not {scope.value}; `equerry token create --scope {scope.value}`"
                " makes one that may",
                (Cause("Authorization", f"has not the scope {scope.value}"),),
            )

    def _check_host(self) -> None:
        if _hostname(f"//{request.environ.get('HTTP_HOST', '')}") not in self._hosts:
            raise Refused(
                403,
                "this host name is not Equerry's own; dashboard.hosts takes more names",
                (Cause("Host", "is not allowed"),),
            )

    def _check_origin(self) -> None:
        origin = request.environ.get("HTTP_ORIGIN")
        if origin is not None and _hostname(origin) not in self._hosts:
            raise Refused(
                403, "this origin may change nothing here", (Cause("Origin", "is not allowed"),)
            )

    def _token(self) -> Token:
        scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() != SCHEME or not secret.strip():
            raise Refused(
                401,
                "a token is needed: Authorization: Bearer eqy_…; `equerry token create` makes one",
                (Cause("Authorization", "is missing"),),
            )
        now_ms = clock.now_ms()
        token = tokens.find(self._redis, secret.strip(), now_ms)
        if token is None:
            self._refuse("there is no such token; it may have been revoked", "is unknown", now_ms)
        if token.has_expired(now_ms):
            self._refuse(f"the token {token.name!r} has expired", "has expired", now_ms)
        return token

    def _refuse(self, detail: str, problem: str, now_ms: int) -> NoReturn:
        address = request.remote_addr or ""
        times = self._wrong.count(address, now_ms)
        if times > WRONG_PER_MINUTE:
            raise Refused(
                429,
                "too many wrong tokens from this address; wait as Retry-After says",
                retry_after_seconds=MINUTE_MS // 1000,
            )
        log.warning("token-refused", extra={"address": address, "problem": problem})
        raise Refused(401, detail, (Cause("Authorization", problem),))


class Wrong:
    """Counts wrong tokens by address and minute, of so many addresses. Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._times: dict[str, int] = {}

    def count(self, address: str, now_ms: int) -> int:
        """Count one more and return how many there were this minute."""
        minute = now_ms // MINUTE_MS
        with self._lock:
            if minute != self._minute or len(self._times) >= ADDRESSES:
                self._minute = minute
                self._times.clear()
            self._times[address] = self._times.get(address, 0) + 1
            return self._times[address]


def actor() -> str:
    """Return whose token this request bears: who acts, in the journal."""
    token: Token = g.token
    return token.name


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
