"""Sentry's interfaces `exception`, `stacktrace` and `threads`: what was thrown, and where."""

from typing import Any

from equerry.events import limits
from equerry.events.report import ReportedException, ReportedFrame
from equerry.events.sentry import lenient
from equerry.events.sentry.lenient import Cut


def exceptions(event: dict[str, Any], cut: Cut) -> tuple[ReportedException, ...]:
    """Return an event's exceptions, the innermost cause first.

    A stack without an exception, on the event itself or a thread, comes as one without a type.
    """
    given = event.get("exception")
    found = lenient.items(given)
    if not found and isinstance(given, dict) and "values" not in given:
        found = [given]
    kept = lenient.ends(
        [each for each in found if isinstance(each, dict)], limits.EXCEPTIONS, "exceptions", cut
    )
    if kept:
        return tuple(_exception(each, f"exceptions.{at}", cut) for at, each in enumerate(kept))
    frames = _frames(_only_stack(event), "exceptions.0", cut)
    return (ReportedException(frames=frames),) if frames else ()


def _only_stack(event: dict[str, Any]) -> object:
    """Return the event's own stack, or that of the thread that broke, or that ran."""
    if event.get("stacktrace"):
        return event["stacktrace"]
    threads = [
        each
        for each in lenient.items(event.get("threads"))
        if isinstance(each, dict) and each.get("stacktrace")
    ]
    for mark in ("crashed", "current"):
        for thread in threads:
            if thread.get(mark) is True:
                return thread["stacktrace"]
    return threads[0]["stacktrace"] if len(threads) == 1 else None


def _exception(given: dict[str, Any], field: str, cut: Cut) -> ReportedException:
    return ReportedException(
        type=lenient.text(given.get("type"), limits.NAME, f"{field}.type", cut),
        value=lenient.text(given.get("value"), limits.MESSAGE, f"{field}.value", cut),
        module=lenient.text(given.get("module"), limits.NAME, f"{field}.module", cut),
        frames=_frames(given.get("stacktrace"), field, cut),
        mechanism=lenient.tree(given.get("mechanism"), f"{field}.mechanism", cut),
    )


def _frames(stack: object, field: str, cut: Cut) -> tuple[ReportedFrame, ...]:
    if not isinstance(stack, dict):
        lenient.drop(stack, f"{field}.stacktrace", cut)
        return ()
    given = stack.get("frames")
    if not isinstance(given, list):
        return ()
    kept = lenient.ends(given, limits.FRAMES, f"{field}.frames", cut)
    return tuple(_frame(each, field, cut) for each in kept if isinstance(each, dict))


# Field of a frame → how long it may be. A frame's faults are noted for its exception, not for each.
_TEXTS = {
    "function": limits.FUNCTION,
    "module": limits.NAME,
    "filename": limits.URL,
    "abs_path": limits.URL,
    "context_line": limits.CONTEXT_LINE,
}


def _frame(given: dict[str, Any], field: str, cut: Cut) -> ReportedFrame:
    found: dict[str, Any] = {}
    for name, limit in _TEXTS.items():
        value = given.get(name)
        if value:
            found[name] = (
                value
                if type(value) is str and len(value) <= limit
                else lenient.text(value, limit, f"{field}.frames.{name}", cut)
            )
    for name in ("lineno", "colno"):
        if name in given:
            found[name] = lenient.whole(given[name])
    if type(given.get("in_app")) is bool:
        found["in_app"] = given["in_app"]
    for name in ("pre_context", "post_context"):
        if given.get(name):
            found[name] = _lines(given[name], f"{field}.frames.{name}", cut)
    if given.get("vars"):
        found["vars"] = lenient.tree(given["vars"], f"{field}.frames.vars", cut)
    return ReportedFrame(**found)


def _lines(given: object, field: str, cut: Cut) -> tuple[str, ...]:
    if not isinstance(given, list):
        lenient.drop(given, field, cut)
        return ()
    if len(given) > limits.CONTEXT_LINES:
        cut[field] = len(given)
        given = given[: limits.CONTEXT_LINES]
    most = limits.CONTEXT_LINE
    return tuple(
        line if type(line) is str and len(line) <= most else lenient.text(line, most, field, cut)
        for line in given
    )
