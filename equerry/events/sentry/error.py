"""An `event` as one error, as the pipeline takes it."""

from typing import Any

from equerry.events import limits
from equerry.events.containers import prune
from equerry.events.errors_in import LEVELS
from equerry.events.event import ERRORS
from equerry.events.intake import Incoming
from equerry.events.report import ErrorReport, ReportedException
from equerry.events.sentry import lenient, message, people, request, stack
from equerry.events.sentry.context import Context, incoming, json_object
from equerry.events.sentry.lenient import Cut

# Beside the native ones: console.log's and Python's own.
_LEVELS = LEVELS | {"log": "info", "trace": "debug", "notice": "info", "warn": "warning"}

# Field of an event → the report's, and how long it may be.
_TEXTS = {
    "release": limits.RELEASE,
    "environment": limits.ENVIRONMENT,
    "dist": limits.ENVIRONMENT,
    "transaction": limits.TRANSACTION,
    "platform": limits.WORD,
    "server_name": limits.TRANSACTION,
}
_DEBUG_ID_BYTES = 64


def read(payload: bytes, context: Context) -> list[Incoming]:
    """Read an `event` item. Raises Refused where it is no JSON object."""
    return [convert(json_object(payload), context)]


def convert(event: dict[str, Any], context: Context) -> Incoming:
    """Return the error that an SDK's event tells of."""
    cut: Cut = {}
    found: dict[str, Any] = {"timestamp": lenient.when(event.get("timestamp"), context.now)}
    for name, limit in _TEXTS.items():
        value = event.get(name)
        if value is not None:
            found[name] = lenient.text(value, limit, name, cut)
    _what(event, found, cut)
    _where(event, found, context, cut)
    if event.get("tags"):
        found["tags"] = lenient.texts(event["tags"], limits.TAGS, "tags", cut)
    for name in ("contexts", "extra"):
        if event.get(name):
            found[name] = lenient.tree(event[name], name, cut)
    if event.get("modules"):
        found["modules"] = lenient.texts(event["modules"], limits.MODULES, "modules", cut)
    if event.get("breadcrumbs"):
        found["breadcrumbs"] = _breadcrumbs(event["breadcrumbs"], cut)
    if event.get("fingerprint"):
        found["group_by"] = _group_by(event["fingerprint"], cut)
    if event.get("debug_meta"):
        found["debug_ids"] = _debug_ids(event["debug_meta"], cut)
    found["logger"] = _logger(event.get("logger"), cut)
    found["sdk"] = sdk(event.get("sdk"))
    found["user"] = people.user(event.get("user"), context.sender.realm)
    report = ErrorReport(**found, address=context.sender.address, cut=cut)
    return incoming(ERRORS, report, context.event_id or lenient.identity(event.get("event_id")))


def _what(event: dict[str, Any], found: dict[str, Any], cut: Cut) -> None:
    """Name the error by the exception that was caught, the last one, or else by its message."""
    exceptions = stack.exceptions(event, cut)
    text = message.read(event, cut)
    found["level"] = _LEVELS.get(str(event.get("level")).lower(), "error")
    found["message"] = text
    if not exceptions:
        return
    found["exceptions"] = exceptions
    found["handled"] = _handled(exceptions)
    caught = exceptions[-1]
    if not caught.type and not caught.value:
        return  # a stack that came with a message
    found["name"], found["message"] = caught.type, caught.value or text
    if caught.value and text and text != caught.value:
        extra = event.get("extra")
        event["extra"] = {"logged": text, **(extra if isinstance(extra, dict) else {})}


def _handled(exceptions: tuple[ReportedException, ...]) -> bool | None:
    """Return what the last exception that says so says."""
    for exception in reversed(exceptions):
        handled = exception.mechanism.get("handled")
        if isinstance(handled, bool):
            return handled
    return None


def _where(event: dict[str, Any], found: dict[str, Any], context: Context, cut: Cut) -> None:
    """Name the page or the request, and whose program it was."""
    asked = request.read(event.get("request"), cut)
    found["user_agent"] = context.user_agent
    if not asked:
        return
    found["request"] = asked
    found["url"] = asked.get("url", "")
    # A page names its browser, which a tunnel may not pass on. A server names who asked it: what
    # it trips over is its own fault, whoever asked.
    if event.get("platform") == "javascript":
        found["user_agent"] = request.user_agent(asked) or context.user_agent


def _breadcrumbs(given: object, cut: Cut) -> list[Any]:
    trail = lenient.items(given)
    if len(trail) > limits.BREADCRUMBS:
        cut["breadcrumbs"] = len(trail)
        trail = trail[-limits.BREADCRUMBS :]
    deeper: list[int] = []
    return [prune(crumb, limits.DEPTH, deeper.append) for crumb in trail if isinstance(crumb, dict)]


def _group_by(given: object, cut: Cut) -> tuple[str, ...]:
    parts = given if isinstance(given, list) else [given]
    if len(parts) > limits.GROUP_BY:
        cut["group_by"] = len(parts)
    longest = limits.TAG_VALUE
    texts = (lenient.text(part, longest, "group_by", cut) for part in parts[: limits.GROUP_BY])
    return tuple(text for text in texts if text)


def _debug_ids(given: object, cut: Cut) -> dict[str, str]:
    images = given.get("images") if isinstance(given, dict) else None
    if not isinstance(images, list):
        return {}
    if len(images) > limits.IMAGES:
        cut["debug_ids"] = len(images)
    found: dict[str, str] = {}
    for image in images[: limits.IMAGES]:
        if not isinstance(image, dict) or image.get("type") != "sourcemap":
            continue
        file, debug_id = image.get("code_file"), image.get("debug_id")
        if isinstance(file, str) and lenient.identity(debug_id):
            found[file[: limits.URL]] = str(debug_id)[:_DEBUG_ID_BYTES].lower()
    return found


def _logger(given: object, cut: Cut) -> str:
    return " ".join(lenient.text(given, limits.LOGGER, "logger", cut).split())


def sdk(given: object) -> str:
    """Return an SDK as `name/version`."""
    if not isinstance(given, dict):
        return ""
    name, version = given.get("name"), given.get("version")
    if not isinstance(name, str):
        return ""
    return f"{name}/{version}"[: limits.NAME] if isinstance(version, str) else name[: limits.NAME]
