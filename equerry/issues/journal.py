"""What happened to issues and who did it: a line of the archive each, and the issue's activity.

The lines are the truth of what no event tells: an issue's number, and what people made of it.
"""

import uuid
from enum import StrEnum

import msgspec

from equerry import clock, keys
from equerry.events.event import ISSUES
from equerry.issues.state import State
from equerry.redis_client import Pipeline, Redis
from equerry.stream import entry

KEPT_AT_HAND = 100
# Who acts where no person does.
EQUERRY = "equerry"


class Deed(StrEnum):
    """What was done."""

    CREATED = "created"
    LINKED = "linked"
    REGRESSED = "regressed"
    UNIGNORED = "unignored"
    RESOLVED = "resolved"
    IGNORED = "ignored"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    PINNED = "pinned"
    NOTED = "noted"
    MERGED = "merged"
    UNMERGED = "unmerged"


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line. issue: its number. by: a person, a token's name, or `equerry`.

    fingerprint: created and linked, what is this issue from now on. into: merged, the number of the
    issue that it is a part of from now on. state: the state after. note: words of a person, or why.
    """

    timestamp: str
    what: Deed
    issue: int
    by: str = EQUERRY
    note: str = ""
    fingerprint: str = ""
    into: int = 0
    state: State | None = None


_DECODER = msgspec.json.Decoder(Line)


def write(pipe: Pipeline, scope: str, line: Line, at_ms: int) -> None:
    """Queue a line, in the same transaction as what it tells of."""
    data = msgspec.json.encode(line)
    entry.append(pipe, scope, ISSUES, uuid.uuid4().hex, at_ms, data)
    if line.what not in {Deed.CREATED, Deed.LINKED}:
        keep_at_hand(pipe, scope, line.issue, data)


def keep_at_hand(pipe: Pipeline, scope: str, number: int, data: bytes) -> None:
    """Queue a line into the activity that is shown with the issue."""
    key = keys.issue_part(scope, number, "activity")
    pipe.lpush(key, data)
    pipe.ltrim(key, 0, KEPT_AT_HAND - 1)


def line(what: Deed, number: int, at_ms: int, **more: object) -> Line:
    """Return a line of this moment."""
    fields = {"timestamp": clock.rfc3339(at_ms), "what": what, "issue": number, **more}
    return msgspec.convert(fields, Line)


def activity(redis: Redis, scope: str, number: int) -> list[Line]:
    """Return what was done lately, the newest first."""
    return [
        _DECODER.decode(data)
        for data in redis.lrange(keys.issue_part(scope, number, "activity"), 0, -1)
    ]


def decode(data: bytes) -> Line:
    """Read a line back. Raises msgspec.MsgspecError."""
    return _DECODER.decode(data)
