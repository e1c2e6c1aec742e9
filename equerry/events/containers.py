"""The kinds of field that hold others: tags, free objects and trails of breadcrumbs."""

from collections.abc import Callable
from typing import Any, NamedTuple

from equerry.events import limits
from equerry.events.fields import Draft, Schema

_LONG = 1 << 63


class Tags(NamedTuple):
    """A flat object of short values. Numbers and booleans become text, null is left out."""

    def read(self, value: object, field: str, draft: Draft) -> dict[str, str] | None:
        """Return the first limits.TAGS of them."""
        if not isinstance(value, dict):
            draft.fault(field, "must be an object")
            return None
        if len(value) > limits.TAGS:
            draft.cut[field] = len(value)
        tags: dict[str, str] = {}
        for key, given in value.items():
            name = f"{field}.{key[: limits.WORD]}"
            text = _tag_text(given)
            if text is None:
                draft.fault(name, "must be a string, a number or a boolean")
            elif given is not None and len(tags) < limits.TAGS:
                if len(text) > limits.TAG_VALUE:
                    draft.cut[name] = len(text)
                tags[key[: limits.TAG_KEY]] = text[: limits.TAG_VALUE]
        return tags

    def schema(self) -> Schema:
        """A flat object."""
        return {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
            "description": f"The first {limits.TAGS} are kept; a value is cut at "
            f"{limits.TAG_VALUE} characters.",
        }


def _tag_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else None


class Tree(NamedTuple):
    """An object of anything, cut below limits.DEPTH levels."""

    def read(self, value: object, field: str, draft: Draft) -> dict[str, Any] | None:
        """Return it, shallow enough to be read again safely."""
        if not isinstance(value, dict):
            draft.fault(field, "must be an object")
            return None
        if draft.plain:
            return value
        deeper: list[int] = []
        kept = prune(value, limits.DEPTH, deeper.append)
        if deeper:
            draft.cut[field] = len(deeper)
        return kept  # type: ignore[no-any-return]  # a dict in, a dict out

    def schema(self) -> Schema:
        """Any object."""
        return {
            "type": "object",
            "description": f"Cut below {limits.DEPTH} levels; `cut` counts what was.",
        }


class Trail(NamedTuple):
    """An array of anything, of which the last ones matter."""

    def read(self, value: object, field: str, draft: Draft) -> list[Any] | None:
        """Return the last limits.BREADCRUMBS items."""
        if not isinstance(value, list):
            draft.fault(field, "must be an array")
            return None
        if len(value) > limits.BREADCRUMBS:
            draft.cut[field] = len(value)
        kept = value[-limits.BREADCRUMBS :]
        return kept if draft.plain else [prune(item, limits.DEPTH, _ignore) for item in kept]

    def schema(self) -> Schema:
        """Any array."""
        return {"type": "array", "description": f"The last {limits.BREADCRUMBS} are kept."}


CUT = "[Cut]"

# Taken as they are, without a call for each: that was half of what a 5 KB report cost the door.
_LEAVES = frozenset({str, bool, float, type(None)})


def prune(value: Any, levels: int, cut: Callable[[int], object]) -> Any:  # noqa: ANN401 - JSON
    """Return the value with objects and arrays below `levels` replaced by `[Cut]`.

    cut is called with the size of each one replaced. Integers that no 64-bit reader (DuckDB, jq)
    holds become text.
    """
    if isinstance(value, (dict, list)):
        if not levels:
            cut(len(value))
            return CUT
        if isinstance(value, dict):
            return {
                key: item if type(item) in _LEAVES else prune(item, levels - 1, cut)
                for key, item in value.items()
            }
        return [item if type(item) in _LEAVES else prune(item, levels - 1, cut) for item in value]
    if isinstance(value, int) and not -_LONG <= value < _LONG:
        return str(value)
    return value


def _ignore(_size: int) -> None:
    """Breadcrumbs are cut without a count of their own."""
