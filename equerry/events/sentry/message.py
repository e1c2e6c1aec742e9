"""Sentry's interface `logentry`: a message, and what is put into it."""

import re
from typing import Any

from equerry.events import limits
from equerry.events.sentry import lenient
from equerry.events.sentry.lenient import Cut

# `%s`, `%(name)r`, `%-5.2f`. The width is read and not obeyed: `%999999999d` would fill the memory.
_PLACE = re.compile(r"%(?:\(([^()%]{1,64})\))?[-#0 +]{0,4}[0-9]{0,9}(?:\.[0-9]{0,9})?([a-zA-Z%])")
_MARKS = frozenset("sdifrxXeEgGcaouOjy%")


def read(event: dict[str, Any], cut: Cut) -> str:
    """Return an event's message, formatted; "" where it has none."""
    for name in ("logentry", "message"):
        given = event.get(name)
        if isinstance(given, dict):
            given = given.get("formatted") or _formatted(given.get("message"), given.get("params"))
        if given:
            return lenient.text(given, limits.MESSAGE, "message", cut)
    return ""


def _formatted(template: object, params: object) -> object:
    """Put the params into a template of printf's kind; each that finds no place is left out."""
    if not isinstance(template, str) or not isinstance(params, (dict, list)) or not params:
        return template
    waiting = iter(params if isinstance(params, list) else ())

    def fill(place: re.Match[str]) -> str:
        name, mark = place.groups()
        if mark == "%":
            return "%"
        if mark not in _MARKS:
            return place[0]
        if name is not None:
            return _shown(params[name]) if isinstance(params, dict) and name in params else place[0]
        return _shown(next(waiting, place[0]))

    return _PLACE.sub(fill, template[: limits.MESSAGE])


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """Return a param as text, no longer than a message may be."""
    return value if isinstance(value, str) else str(value)[: limits.MESSAGE]
