"""Sentry's interface `request`: what was asked for when it broke.

Cookies keep their names, for these help, and lose their values. Whoever asked is known by the
address's network alone, so the headers and variables that hold the address go.
"""

from typing import Any

from equerry.events import limits
from equerry.events.sentry import lenient
from equerry.events.sentry.lenient import Cut

HIDDEN = "[Filtered]"
HEADERS = 100
_ADDRESSES = frozenset(
    {
        "remote_addr",
        "x-forwarded-for",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "forwarded",
        "cf-connecting-ip",
        "true-client-ip",
        "fastly-client-ip",
        "x-vercel-forwarded-for",
    }
)
_COOKIES = frozenset({"cookie", "set-cookie"})


def read(given: object, cut: Cut) -> dict[str, Any]:
    """Return the request as it is kept; headers, cookies and a query of pairs become objects."""
    if not isinstance(given, dict):
        lenient.drop(given, "request", cut)
        return {}
    found: dict[str, Any] = {}
    for name, limit in (("url", limits.URL), ("method", limits.WORD), ("fragment", limits.URL)):
        if given.get(name):
            found[name] = lenient.text(given[name], limit, f"request.{name}", cut)
    if given.get("query_string"):
        found["query_string"] = _query(given["query_string"], cut)
    if given.get("headers"):
        found["headers"] = headers(given["headers"], cut)
    if given.get("cookies"):
        found["cookies"] = _cookies(given["cookies"])
    if given.get("env"):
        env = lenient.tree(given["env"], "request.env", cut)
        found["env"] = {
            name: HIDDEN if name.lower() in _ADDRESSES else value for name, value in env.items()
        }
    if given.get("data") is not None:
        found["data"] = lenient.anything(given["data"], "request.data", cut)
    return found


def headers(given: object, cut: Cut) -> dict[str, str]:
    """Return the headers by name, without what cookies hold and without addresses."""
    found = lenient.texts(given, HEADERS, "request.headers", cut, longest=limits.URL)
    for name, value in found.items():
        lower = name.lower()
        if lower in _COOKIES:
            found[name] = "; ".join(_cookies(value)) or HIDDEN
        elif lower in _ADDRESSES:
            found[name] = HIDDEN
    return found


def user_agent(request: dict[str, Any]) -> str:
    """Return the User-Agent among a request's headers as `read` returns them."""
    for name, value in request.get("headers", {}).items():
        if name.lower() == "user-agent":
            return str(value)[: limits.USER_AGENT]
    return ""


def _query(given: object, cut: Cut) -> str | dict[str, str]:
    if isinstance(given, (dict, list)):
        return lenient.texts(given, limits.TAGS, "request.query_string", cut, longest=limits.URL)
    return lenient.text(given, limits.URL, "request.query_string", cut)


def _cookies(given: object) -> dict[str, str]:
    """Return the names, of an object, pairs, or the header's own text."""
    if isinstance(given, str):
        names = [part.partition("=")[0].strip() for part in given.split(";") if "=" in part]
    else:
        names = [name for name, _ in lenient.pairs(given) if isinstance(name, str)]
    return {name[: limits.TAG_KEY]: HIDDEN for name in names[: limits.TAGS]}
