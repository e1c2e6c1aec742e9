"""Attributes of spans and logs: plain values, or `{"value": …, "type": …}`."""

from typing import Any

from equerry.events import limits


def value(given: dict[str, Any], *names: str) -> Any:  # noqa: ANN401 - JSON
    """Return the plain value of the first of these names that has one; None where none has."""
    for name in names:
        found = _plain(given.get(name))
        if found is not None:
            return found
    return None


def read(given: object) -> dict[str, Any]:
    """Return names and plain values, the first limits.TAGS of them."""
    if not isinstance(given, dict):
        return {}
    found: dict[str, Any] = {}
    for name, each in given.items():
        if len(found) == limits.TAGS:
            break
        found[name[: limits.TAG_KEY]] = _plain(each)
    return found


def _plain(given: Any) -> Any:  # noqa: ANN401 - JSON
    return given.get("value") if isinstance(given, dict) else given
