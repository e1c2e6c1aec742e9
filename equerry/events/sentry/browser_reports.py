"""What browsers report by themselves: violations of a policy, deprecations, crashes.

A browser sends `{"csp-report": …}` where the policy says `report-uri`, and an array of reports of
any type where it says `report-to` (the W3C's Reporting API).
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from equerry.clock import DAY_MS
from equerry.errors import Cause, Refused
from equerry.events import limits
from equerry.events.event import ERRORS
from equerry.events.fields import Draft, moment
from equerry.events.intake import Incoming
from equerry.events.report import ErrorReport
from equerry.events.sentry import lenient
from equerry.events.sentry.context import Context, incoming, value

REPORTS = 100
CSP = "csp-violation"
_LEGACY = "csp-report"
_EXTENSIONS = ("chrome-extension", "moz-extension", "safari-extension", "safari-web-extension")
_NAMES = {
    CSP: "ContentSecurityPolicy",
    "crash": "BrowserCrash",
    "deprecation": "Deprecation",
    "intervention": "Intervention",
    "network-error": "NetworkError",
    "permissions-policy-violation": "PermissionsPolicy",
    "document-policy-violation": "DocumentPolicy",
    "coep": "CrossOriginEmbedderPolicy",
    "coop": "CrossOriginOpenerPolicy",
    "integrity-violation": "IntegrityPolicy",
}


class _Told(NamedTuple):
    """What a report comes to. parts: what is grouped by, beside its type."""

    message: str
    parts: tuple[str, ...]
    tags: dict[str, str]


def read(payload: bytes, context: Context, now_ms: int) -> list[Incoming]:
    """Read what a browser sent: an error each, of level warning. Raises Refused for no report."""
    given = value(payload)
    if isinstance(given, dict) and isinstance(given.get(_LEGACY), dict):
        return [_error({"type": CSP, "body": given[_LEGACY]}, context, now_ms)]
    reports = given if isinstance(given, list) else [given]
    found = [
        _error(each, context, now_ms)
        for each in reports[:REPORTS]
        if isinstance(each, dict) and isinstance(each.get("body"), dict)
    ]
    if not found:
        problem = "is neither a csp-report nor an array of browsers' reports"
        raise Refused(400, f"The body {problem}.", (Cause("body", problem),))
    return found


def _error(given: dict[str, Any], context: Context, now_ms: int) -> Incoming:
    draft = Draft("")
    body: dict[str, Any] = given["body"]
    type_ = lenient.text(given.get("type"), limits.WORD, "type", draft) or "unknown"
    told = _violation(body) if type_ == CSP else _other(type_, body)
    age_ms = min(lenient.whole(given.get("age")), DAY_MS)
    url = _first(body, "documentURL", "document-uri", "document_uri") or _first(given, "url")
    user_agent = _first(given, "user_agent") or context.user_agent
    report = ErrorReport(
        timestamp=moment(max(now_ms - age_ms, 0)),
        message=told.message[: limits.MESSAGE],
        name=_NAMES.get(type_, type_),
        level="warning",
        stack=_place(body),
        url=url[: limits.URL],
        user_agent=user_agent[: limits.USER_AGENT],
        address=context.sender.address,
        platform="javascript",
        logger=type_,
        group_by=(type_, *(part[: limits.TAG_VALUE] for part in told.parts if part)),
        tags={name: text[: limits.TAG_VALUE] for name, text in told.tags.items() if text},
        extra={"report": lenient.tree(body, "extra.report", draft)},
        cut=draft.cut,
    )
    return incoming(ERRORS, report)


def _violation(body: dict[str, Any]) -> _Told:
    """A policy forbade something: which directive, and what it was about."""
    directive = _first(body, "effectiveDirective", "effective-directive", "violated-directive")
    directive = directive.partition(" ")[0] or "a directive"
    blocked = _origin(_first(body, "blockedURL", "blocked-uri", "blocked_uri"))
    disposition = _first(body, "disposition") or "enforce"
    verb = "Would block" if disposition == "report" else "Blocked"
    tags = {"directive": directive, "blocked": blocked, "disposition": disposition}
    return _Told(f"{verb} {blocked} by {directive}", (directive, blocked), tags)


def _other(type_: str, body: dict[str, Any]) -> _Told:
    """Any other report: its own words where it has any."""
    id_ = _first(body, "id", "policyId", "reason", "type", "featureId")
    message = _first(body, "message") or " ".join(part for part in (type_, id_) if part)
    return _Told(message, (id_ or message,), {"reported": id_})


def _origin(uri: str) -> str:
    """Return a scheme and host, or the keyword (`inline`, `eval`) that stands for one."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return "something"
    if parts.scheme in _EXTENSIONS:
        return parts.scheme
    if parts.scheme and parts.netloc:
        return f"{parts.scheme}://{parts.hostname or ''}"
    return parts.scheme or parts.path or "something"


def _place(body: dict[str, Any]) -> str:
    """Return where it happened as a line of a stack; an extension's doing bears its address."""
    blocked = _first(body, "blockedURL", "blocked-uri", "blocked_uri")
    file = _first(body, "sourceFile", "source-file", "source_file")
    if blocked.startswith(_EXTENSIONS):
        file = blocked
    if not file:
        return ""
    line = lenient.whole(body.get("lineNumber", body.get("line-number")))
    column = lenient.whole(body.get("columnNumber", body.get("column-number")))
    return f"    at {file[: limits.URL]}:{line}:{column}"


def _first(given: dict[str, Any], *names: str) -> str:
    for name in names:
        found = given.get(name)
        if isinstance(found, str) and found:
            return found
    return ""
