"""What is known of an issue beside its counts: its status, and who said so until when."""

import enum

import msgspec

from equerry.events.severity import Severity


class Status(enum.StrEnum):
    """What the team makes of an issue."""

    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class State(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """An issue's state. Times are epoch milliseconds; 0 and "" are «not set».

    severity: the highest seen. pinned: what a person set in its place.
    since_ms: when the status was set. told_ms: when it was last a finding.
    release: resolved, only an event of a release after this one (or, unless next_release, of this
    one too) is a regression. until_*: ignored, until this time, this count of events in all, this
    many users in all.
    """

    severity: Severity
    status: Status = Status.UNRESOLVED
    since_ms: int = 0
    told_ms: int = 0
    pinned: Severity | None = None
    release: str = ""
    next_release: bool = False
    until_ms: int = 0
    until_count: int = 0
    until_users: int = 0
    assignee: str = ""
    regressions: int = 0

    @property
    def rated(self) -> Severity:
        """How much the issue matters: what a person pinned, else the highest seen."""
        return self.pinned or self.severity

    def put(self, status: Status, now_ms: int) -> "State":
        """Return the state with another status, and without the terms of the one before."""
        return msgspec.structs.replace(
            self,
            status=status,
            since_ms=now_ms,
            release="",
            next_release=False,
            until_ms=0,
            until_count=0,
            until_users=0,
        )


_DECODER = msgspec.json.Decoder(State)


def decode(text: bytes) -> State:
    """Return the state that `encode` wrote."""
    return _DECODER.decode(text)


def encode(state: State) -> bytes:
    """Return the state as Redis keeps it."""
    return msgspec.json.encode(state)


def short_id(project: str, number: int) -> str:
    """Return what people call an issue: `WEB-42`. project: its slug."""
    return f"{project.upper()}-{number}"
