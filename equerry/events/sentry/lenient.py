"""SDKs' fields, read leniently: no SDK's oddity costs an event.

What has another type than it should have becomes text or is left out, and is noted in `cut`, as
what is too long is.
"""

from collections.abc import Iterable
from typing import Any

from equerry.events import limits
from equerry.events.containers import prune
from equerry.events.fields import Draft, Identity, Moment, moment

Cut = dict[str, int]

_MOMENT = Moment()
_IDENTITY = Identity()
_LAST_SECOND = limits.LAST_MS / 1000
_PAIR = 2


def text(value: object, limit: int, field: str, cut: Cut) -> str:
    """Return text of at most `limit` characters; numbers and booleans become text."""
    if isinstance(value, str):
        if len(value) <= limit:
            return value
        cut[field] = len(value)
        return value[:limit]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)[:limit]
    drop(value, field, cut)
    return ""


def drop(value: object, field: str, cut: Cut) -> None:
    """Note that a value was left out, by its size where it has one. null counts as absent."""
    if value is not None:
        cut[field] = len(value) if isinstance(value, (dict, list, str)) else 1


def tree(value: object, field: str, cut: Cut) -> dict[str, Any]:
    """Return an object of anything, cut below limits.DEPTH levels."""
    if not isinstance(value, dict):
        drop(value, field, cut)
        return {}
    deeper: list[int] = []
    kept: dict[str, Any] = prune(value, limits.DEPTH, deeper.append)
    if deeper:
        cut[field] = len(deeper)
    return kept


def anything(value: object, field: str, cut: Cut) -> Any:  # noqa: ANN401 - JSON
    """Return anything, cut below limits.DEPTH levels."""
    deeper: list[int] = []
    kept = prune(value, limits.DEPTH, deeper.append)
    if deeper:
        cut[field] = len(deeper)
    return kept


def pairs(value: object) -> Iterable[tuple[Any, Any]]:
    """Return names and values of an object, or of a list of pairs; what is neither has none."""
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, list):
        return [
            (pair[0], pair[1]) for pair in value if isinstance(pair, list) and len(pair) == _PAIR
        ]
    return ()


def texts(
    value: object, most: int, field: str, cut: Cut, *, longest: int = limits.TAG_VALUE
) -> dict[str, str]:
    """Return the first `most` short texts by name, of an object or a list of pairs."""
    if value is not None and not isinstance(value, (dict, list)):
        drop(value, field, cut)
    found: dict[str, str] = {}
    size = 0
    for name, given in pairs(value):
        if given is None or not isinstance(name, str):
            continue
        size += 1
        if size <= most:
            name = name[: limits.TAG_KEY]  # noqa: PLW2901 - the same name, as it is kept
            found[name] = (
                given
                if type(given) is str and len(given) <= longest
                else text(given, longest, f"{field}.{name[: limits.WORD]}", cut)
            )
    if size > most:
        cut[field] = size
    return found


def items(value: object) -> list[Any]:
    """Return a list: as it is, or what an interface of Sentry's holds under `values`."""
    if isinstance(value, dict):
        value = value.get("values")
    return value if isinstance(value, list) else []


def ends(given: list[Any], most: int, field: str, cut: Cut) -> list[Any]:
    """Return the first and the last of a list that is too long, as many from each end."""
    if len(given) <= most:
        return given
    cut[field] = len(given)
    half = most // 2
    return given[:half] + given[half - most :]


def whole(value: object) -> int:
    """Return a count that 31 bits hold; 0 for anything else."""
    return value if type(value) is int and 0 <= value < 1 << 31 else 0


def number(value: object) -> float | None:
    """Return a number within ±limits.OTHER_VALUE; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(min(max(value, -limits.OTHER_VALUE), limits.OTHER_VALUE))


def when(value: object, otherwise: str) -> str:
    """Return RFC 3339 for epoch seconds or ISO 8601; `otherwise` for anything else."""
    if isinstance(value, str):
        return _MOMENT.read(value, "timestamp", Draft("")) or otherwise
    if (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and 0 <= value <= _LAST_SECOND
    ):
        return moment(int(value * 1000))
    return otherwise


def identity(value: object) -> str:
    """Return 32 lower-case hexadecimal digits; "" for what is no UUID."""
    return _IDENTITY.read(value, "event_id", Draft("")) or ""
