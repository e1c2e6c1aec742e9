"""JSON off the wire, strictly: an object for any good bytes, Refused for any others."""

import re
from typing import Annotated, Any, NamedTuple

import msgspec

from equerry.errors import Cause, Refused
from equerry.events import limits

_LONG = 1 << 63


def _plain_type() -> Any:  # noqa: ANN401, a type made of types
    """Return the type of JSON of at most limits.DEPTH levels, whose integers have 64 bits."""
    whole = Annotated[int, msgspec.Meta(ge=-_LONG, le=_LONG - 1)]
    kind: Any = str | bool | whole | float | None
    for _ in range(limits.DEPTH):
        kind = dict[str, kind] | list[kind] | str | bool | whole | float | None
    return kind


_PLAIN = msgspec.json.Decoder(_plain_type())

_BRACES_AS_BRACKETS = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS_AND_QUOTES = bytes(set(range(256)) - set(b'[]{}"'))

# A pair, or a lone half (group 1), or any other escape, so that `\\ud800` is read as it is meant.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class Parsed(NamedTuple):
    """What a body says. plain: `containers.prune` would leave all of it as it is."""

    value: object
    plain: bool


def parse(body: bytes, *, max_depth: int = 16) -> Parsed:
    """Return what the JSON says; half an emoji (a lone surrogate escape) becomes U+FFFD.

    Raises Refused (400) for everything that is not strict JSON in UTF-8, and for objects and
    arrays nested deeper than max_depth (at least limits.DEPTH). Depth is measured before parsing: a
    parser recurses.
    """
    if not body.strip():
        raise _refused("is empty; send one JSON object or an array of them")
    try:  # nearly all bodies are; the parser's own check of types is free, and ends at that depth
        return Parsed(_PLAIN.decode(body), plain=True)
    except (msgspec.MsgspecError, ValueError):
        return Parsed(_parse(body, max_depth), plain=False)


def _parse(body: bytes, max_depth: int) -> object:
    if body.count(b"[") + body.count(b"{") > max_depth:
        _check_depth(body, max_depth)
    try:
        return _decode(body)
    except (ValueError, RecursionError) as error:
        if b"\\ud" not in body and b"\\uD" not in body:
            raise _refused(_explain(error)) from error
    try:
        return _decode(_ESCAPE.sub(_whole, body))
    except (ValueError, RecursionError) as error:
        raise _refused(_explain(error)) from error


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def _whole(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape[1] else escape[0]


def _check_depth(body: bytes, max_depth: int) -> None:
    """Peel the innermost pairs off, all at once per level; what is left was deeper or unpaired."""
    # Without escapes a bracket after an odd number of quotes is in a string. Two quotes side by
    # side change no bracket's place, so they go first, all at once. Where the body is no JSON the
    # count may be off, and the parser says so.
    if b'\\"' in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(_BRACES_AS_BRACKETS, _ALL_BUT_BRACKETS_AND_QUOTES).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    for _ in range(max_depth):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return
    if b"[]" in brackets or b"]" not in brackets:
        raise _refused("is nested too deeply", f"{max_depth} levels")
    raise _refused("is not JSON: brackets do not match")


def _explain(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    text = str(error).removeprefix("JSON is malformed: ")
    return f"is not JSON: {text[:1].lower()}{text[1:]}"


def _refused(problem: str, limit: str = "") -> Refused:
    cause = Cause(field="body", problem=problem, limit=limit)
    return Refused(400, f"The body {problem}.", (cause,))
