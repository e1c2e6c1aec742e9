"""Sentry's interface `logentry`: a message, and what is put into it."""

import re
from typing import Any

from equerry.events import limits
from equerry.events.fields import Draft
from equerry.events.sentry import lenient

# `%s`, `%(name)r`, `%-5.2f`. The width is read and not obeyed: `%999999999d` would fill the memory.
_PLACE = re.compile(r"%(?:\(([^()%]{1,64})\))?[-#0 +]{0,4}[0-9]{0,9}(?:\.[0-9]{0,9})?([a-zA-Z%])")
PARAMS = 100
_MARKS = frozenset("sdifrxXeEgGcaouOjy%")


def read(event: dict[str, Any], draft: Draft) -> str:
    """Return an event's message, formatted; "" where it has none."""
    for name in ("logentry", "message"):
        given = event.get(name)
        if isinstance(given, dict):
            given = given.get("formatted") or _formatted(given.get("message"), given.get("params"))
        if given:
            return lenient.text(given, limits.MESSAGE, "message", draft)
    return ""


def _formatted(template: object, params: object) -> object:
    """Put the params into a template of printf's kind; a place that none is for stays."""
    if not isinstance(template, str) or not isinstance(params, (dict, list)) or not params:
        return template
    names = list(params)[:PARAMS] if isinstance(params, dict) else range(len(params[:PARAMS]))
    # Once for each param, not for each place: a template may name a large one a thousand times.
    shown = {name: _shown(params[name]) for name in names}
    places = iter(() if isinstance(params, dict) else shown)

    def fill(place: re.Match[str]) -> str:
        name, mark = place.groups()
        if mark == "%":
            return "%"
        if mark not in _MARKS:
            return place[0]
        return shown.get(name if name is not None else next(places, None), place[0])

    return _PLACE.sub(fill, template[: limits.MESSAGE])


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    return (value if isinstance(value, str) else str(value))[: limits.MESSAGE]
