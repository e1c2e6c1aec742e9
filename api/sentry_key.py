"""Where Sentry's SDKs put a project's key: a header, the query, or the envelope itself."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from api.reporter import Key
from equerry.errors import Cause, Refused
from equerry.events.sentry import envelope

HEADER = "X-Sentry-Auth"
QUERY = "sentry_key"
_SCHEME = "sentry"


def in_request(environ: Mapping[str, Any], query: Mapping[str, str]) -> Key:
    """Return the first key that is given; one without text where there is none.

    In this order: X-Sentry-Auth, Authorization (Sentry's scheme, or Basic with the key as the
    user), the query's sentry_key. Raises Refused (401) where X-Sentry-Auth names no key.
    """
    given = environ.get("HTTP_X_SENTRY_AUTH", "")
    if given:
        return Key(_of_pairs(given) or _malformed(HEADER), HEADER)
    scheme, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == _SCHEME:
        return Key(_of_pairs(rest) or _malformed("Authorization"), "Authorization")
    if scheme.lower() == "basic":
        return Key(_of_basic(rest) or _malformed("Authorization"), "Authorization")
    return Key(query.get(QUERY, ""), f"{HEADER}, or the query's {QUERY}")


def in_envelope(raw: bytes) -> Key:
    """Return the key of the DSN in an envelope's header, which is all that a tunnel passes on.

    Raises Refused (400) for what is no envelope.
    """
    dsn = envelope.header_of(raw).dsn
    try:
        key = urlsplit(dsn).username if isinstance(dsn, str) else None
    except ValueError:
        key = None
    return Key(key or "", f"{HEADER}, the query's {QUERY}, or the envelope's dsn")


def _of_pairs(text: str) -> str:
    """Read `Sentry sentry_key=…, sentry_version=7`, with or without its first word."""
    for pair in text.split(","):
        name, _, value = pair.strip().rpartition(" ")[2].partition("=")
        if name.lower() == QUERY:
            return value.strip()
    return ""


def _of_basic(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return ""


def _malformed(header: str) -> str:
    raise Refused(401, f"{header} holds no key", (Cause(header, "is malformed", f"{QUERY}=…"),))
