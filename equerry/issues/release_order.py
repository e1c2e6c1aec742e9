"""Which of two releases is the later one. Pure."""

import re
from collections.abc import Mapping

# `shop@1.4.0-rc.1+build`, `v2.0`, `2026.11.24`. One number alone is a build's or a hash's: it
# could be either, so it is no version.
_VERSION = re.compile(
    r"(?:(?P<package>[^@]{1,200})@)?v?(?P<numbers>[0-9]{1,9}(?:\.[0-9]{1,9}){1,4})"
    r"(?:-(?P<pre>[0-9A-Za-z.-]{1,100}))?(?:\+.*)?"
)
_FINAL: tuple[tuple[int, int, str], ...] = ((2, 0, ""),)


def is_after(release: str, other: str, first_seen_ms: Mapping[str, int]) -> bool | None:
    """Whether release is later than other; None where neither version nor time tells.

    Versions of one package are compared as semver.org has it (§11); other names by when each was
    first seen.
    """
    if release == other:
        return False
    mine, theirs = _parsed(release), _parsed(other)
    if mine and theirs and mine[0] == theirs[0] and mine[1:] != theirs[1:]:
        return mine[1:] > theirs[1:]
    mine_ms, theirs_ms = first_seen_ms.get(release), first_seen_ms.get(other)
    if mine_ms is None or theirs_ms is None or mine_ms == theirs_ms:
        return None
    return mine_ms > theirs_ms


_Parsed = tuple[str, tuple[int, ...], tuple[tuple[int, int, str], ...]]


def _parsed(release: str) -> _Parsed | None:
    found = _VERSION.fullmatch(release)
    if found is None:
        return None
    numbers = [int(number) for number in found["numbers"].split(".")]
    while numbers[-1:] == [0]:
        numbers.pop()
    pre = tuple(map(_part, found["pre"].split("."))) if found["pre"] else _FINAL
    return found["package"] or "", tuple(numbers), pre


def _part(text: str) -> tuple[int, int, str]:
    """Numbers come before words, and both before the release itself."""
    return (0, int(text), "") if text.isdecimal() and text.isascii() else (1, 0, text)
