"""What one part of the installation says of itself."""

import enum
from collections.abc import Mapping

import msgspec


class Status(enum.StrEnum):
    """Unknown is its own answer: it is never shown as ok."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.OK)


class Part(msgspec.Struct, frozen=True):
    """One part. value: its figures, with units in their names. problem: empty while it is ok.

    since: when it came into this status, RFC 3339; empty where that is not known.
    """

    status: Status
    value: Mapping[str, int | float | str | None] = {}
    problem: str = ""
    since: str = ""


def overall(parts: dict[str, Part]) -> Status:
    """Return the worst status of all parts."""
    statuses = {part.status for part in parts.values()}
    return next((status for status in _WORST_FIRST if status in statuses), Status.UNKNOWN)
