"""Sentry's interfaces `exception`, `stacktrace` and `threads`: what was thrown, and where."""

from typing import Any

from equerry.events import limits
from equerry.events.fields import Draft
from equerry.events.report import ReportedException, ReportedFrame
from equerry.events.sentry import lenient


def exceptions(event: dict[str, Any], draft: Draft) -> tuple[ReportedException, ...]:
    """Return an event's exceptions, the innermost cause first.

    A stack without an exception, on the event itself or a thread, comes as one without a type.
    """
    given = event.get("exception")
    found = lenient.items(given)
    if not found and isinstance(given, dict) and "values" not in given:
        found = [given]
    kept = lenient.ends(
        [each for each in found if isinstance(each, dict)], limits.EXCEPTIONS, "exceptions", draft
    )
    if kept:
        return tuple(_exception(each, f"exceptions.{at}", draft) for at, each in enumerate(kept))
    frames = _frames(_only_stack(event), "exceptions.0", draft)
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


def _exception(given: dict[str, Any], field: str, draft: Draft) -> ReportedException:
    return ReportedException(
        type=lenient.text(given.get("type"), limits.NAME, f"{field}.type", draft),
        value=lenient.text(given.get("value"), limits.MESSAGE, f"{field}.value", draft),
        module=lenient.text(given.get("module"), limits.NAME, f"{field}.module", draft),
        frames=_frames(given.get("stacktrace"), field, draft),
        mechanism=lenient.tree(given.get("mechanism"), f"{field}.mechanism", draft),
    )


def _frames(stack: object, field: str, draft: Draft) -> tuple[ReportedFrame, ...]:
    if not isinstance(stack, dict):
        lenient.drop(stack, f"{field}.stacktrace", draft)
        return ()
    given = stack.get("frames")
    if not isinstance(given, list):
        return ()
    if draft.plain:
        return tuple(given)  # WellFormedFrames, which are written as these are
    kept = lenient.ends(given, limits.FRAMES, f"{field}.frames", draft)
    return tuple(_frame(each, field, draft) for each in kept if isinstance(each, dict))


# Field of a frame → how long it may be. A frame's faults are noted for its exception, not for each.
_TEXTS = {
    "function": limits.FUNCTION,
    "module": limits.NAME,
    "filename": limits.URL,
    "abs_path": limits.URL,
    "context_line": limits.CONTEXT_LINE,
}


def _frame(given: dict[str, Any], field: str, draft: Draft) -> ReportedFrame:
    found: dict[str, Any] = {}
    for name, limit in _TEXTS.items():
        value = given.get(name)
        if value:
            found[name] = (
                value
                if type(value) is str and len(value) <= limit
                else lenient.text(value, limit, f"{field}.frames.{name}", draft)
            )
    for name in ("lineno", "colno"):
        if name in given:
            found[name] = lenient.whole(given[name])
    if type(given.get("in_app")) is bool:
        found["in_app"] = given["in_app"]
    for name in ("pre_context", "post_context"):
        if given.get(name):
            found[name] = _lines(given[name], f"{field}.frames.{name}", draft)
    if given.get("vars"):
        found["vars"] = lenient.tree(given["vars"], f"{field}.frames.vars", draft)
    return ReportedFrame(**found)


def _lines(given: object, field: str, draft: Draft) -> tuple[str, ...]:
    if not isinstance(given, list):
        lenient.drop(given, field, draft)
        return ()
    if len(given) > limits.CONTEXT_LINES:
        draft.cut[field] = len(given)
        given = given[: limits.CONTEXT_LINES]
    most = limits.CONTEXT_LINE
    return tuple(
        line if type(line) is str and len(line) <= most else lenient.text(line, most, field, draft)
        for line in given
    )
