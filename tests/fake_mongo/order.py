"""How MongoDB compares values of different types, and which documents a filter takes."""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from re import compile as compile_pattern
from typing import Any

from bson import (
    Binary,
    Code,
    DatetimeMS,
    Decimal128,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)
from fake_mongo.errors import CommandFailed

MISSING = object()


def key(value: Any) -> tuple[Any, ...]:  # noqa: C901, PLR0911, PLR0912 - one line a type
    """Return what sorts as the value does among values of any type (the server's type order)."""
    match value:
        case MinKey():
            return (1,)
        case None:
            return (5,)
        case _ if value is MISSING:
            return (5,)
        case bool():
            return (40, value)
        case int() | float() | Decimal128():
            number = value.to_decimal() if isinstance(value, Decimal128) else value
            nan = number.is_nan() if isinstance(number, Decimal) else math.isnan(number)
            return (10, 0, 0) if nan else (10, 1, number)
        case Code():
            return (60, str(value))
        case str():
            return (15, value.encode())
        case Mapping():
            return (20, *((key(item)[0], name, key(item)) for name, item in value.items()))
        case list():
            return (25, *map(key, value))
        case bytes():
            subtype = value.subtype if isinstance(value, Binary) else 0
            return (30, len(value), subtype, bytes(value))
        case ObjectId():
            return (35, value.binary)
        case datetime() | DatetimeMS():
            return (45, int(DatetimeMS(value)))
        case Timestamp():
            return (47, value.time, value.inc)
        case Regex():
            return (50, value.pattern, value.flags)
        case MaxKey():
            return (127,)
        case _:
            return (90, repr(value))


def at(document: Any, path: str) -> Any:
    """Return the value at a dotted path, or MISSING."""
    for part in path.split("."):
        if isinstance(document, Mapping) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return MISSING
    return document


def sorted_by(documents: list[dict[str, Any]], spec: Mapping[str, int]) -> list[dict[str, Any]]:
    """Sort by a specification such as `{"_id": 1, "when": -1}`; `$natural` is the order given."""
    for path, direction in reversed(spec.items()):
        if path == "$natural":
            documents = documents[:: int(direction)]
        else:
            documents = sorted(
                documents, key=lambda document: key(at(document, path)), reverse=direction < 0
            )
    return documents


def matches(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether a document meets a filter of the operators below."""
    return all(_meets(document, name, condition) for name, condition in wanted.items())


def _meets(  # noqa: C901, PLR0911 - one line an operator
    document: Mapping[str, Any], name: str, condition: Any
) -> bool:
    match name:
        case "$and":
            return all(matches(document, part) for part in condition)
        case "$or":
            return any(matches(document, part) for part in condition)
        case "$nor":
            return not any(matches(document, part) for part in condition)
        case "$expr" | "$comment":
            return True
        case "$jsonSchema":
            # Only what must be there; a whole schema language would be a test of its own.
            return all(field in document for field in condition.get("required", ()))
        case _ if name.startswith("$"):
            raise CommandFailed(2, f"unknown top level operator: {name}")
    value = at(document, name)
    if not (isinstance(condition, Mapping) and any(part.startswith("$") for part in condition)):
        return _any(value, lambda item: key(item) == key(condition))
    for operator, operand in condition.items():
        if operator == "$options":
            continue
        if operator not in _OPERATORS:
            raise CommandFailed(2, f"unknown operator: {operator}")
        if not _OPERATORS[operator](value, operand):
            return False
    return True


def _any(value: Any, test: Callable[[Any], bool]) -> bool:
    """Say whether the value, or an item of it, passes."""
    return test(value) or (isinstance(value, list) and any(map(test, value)))


def _comparison(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(value: Any, operand: Any) -> bool:
        # Only values of the operand's own type are compared, except with MinKey and MaxKey.
        mine = key(operand)

        def one(item: Any) -> bool:
            its = key(item)
            kin = its[0] == mine[0] or mine[0] in {1, 127}
            return item is not MISSING and kin and test(its, mine)

        return _any(value, one)

    return compare


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda value, operand: _any(value, lambda item: key(item) == key(operand)),
    "$ne": lambda value, operand: not _any(value, lambda item: key(item) == key(operand)),
    "$gt": _comparison(lambda value, operand: value > operand),
    "$gte": _comparison(lambda value, operand: value >= operand),
    "$lt": _comparison(lambda value, operand: value < operand),
    "$lte": _comparison(lambda value, operand: value <= operand),
    "$in": lambda value, operand: any(_OPERATORS["$eq"](value, one) for one in operand),
    "$nin": lambda value, operand: not _OPERATORS["$in"](value, operand),
    "$exists": lambda value, operand: (value is not MISSING) == bool(operand),
    "$type": lambda value, operand: value is not MISSING and operand is not None,
    "$regex": lambda value, operand: (
        isinstance(value, str)
        and compile_pattern(getattr(operand, "pattern", operand)).search(value) is not None
    ),
}


def fields(spec: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a projection of plain inclusions or exclusions leaves of a document."""
    including = any(bool(kept) for name, kept in spec.items() if name != "_id")
    for name, value in document.items():
        if spec.get(name, name == "_id" if including else True):
            yield name, value
