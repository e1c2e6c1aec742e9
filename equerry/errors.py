"""Every error that Equerry raises on purpose."""

from typing import NamedTuple


class Cause(NamedTuple):
    """One fault in what was sent: where, what is wrong, and the limit that it breaks, if any."""

    field: str
    problem: str
    limit: str = ""


class EquerryError(Exception):
    """The root. `permanent` is True where trying again cannot help."""

    permanent = True


class SettingsError(EquerryError):
    """A setting is missing, unknown or out of range; the message names it."""


class Refused(EquerryError):
    """A request that the door turns away.

    status: the HTTP status. causes: one entry per fault, each naming field, problem and limit.
    reason: the refusal's name in counters; retry_after_seconds: 0 where waiting does not help.
    kind: of the events that are to wait; "" for all.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        causes: tuple[Cause, ...] = (),
        *,
        retry_after_seconds: int = 0,
        reason: str = "",
        kind: str = "",
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.kind = kind
        self.status = status
        self.detail = detail
        self.causes = causes
        self.retry_after_seconds = retry_after_seconds


class RedisAway(EquerryError):
    """Redis cannot take or give anything now: gone, loading, full or read-only."""

    permanent = False


class SpoolFull(EquerryError):
    """The spool has reached its byte limit or its disk is full."""

    permanent = False


class ArchiveFull(EquerryError):
    """The archive's disk refused a write; nothing of the batch was kept there."""

    permanent = False


class ArchiveDamaged(EquerryError):
    """A segment cannot be read to its end; the message names it."""


class QueryError(EquerryError):
    """A query of the archive or of the issues that cannot be run as written; says why."""


class UnknownIssue(EquerryError):
    """There is no such issue; the message says where to look."""


class ActionRefused(EquerryError):
    """What was to be done to an issue makes no sense as it stands; the message says why."""


class DeliveryError(EquerryError):
    """A notification that its channel did not take.

    permanent: refused for good; retrying cannot help.
    of_message: a permanent refusal of this one message (its text comes from outside and may be what
    a firewall or spam filter dislikes); without it, of the channel itself (a wrong address, token).
    retry_after_seconds: what the receiver asked for, or None.
    """

    def __init__(
        self,
        detail: str,
        *,
        permanent: bool,
        of_message: bool = False,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.of_message = of_message
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds


class SourceMapsRefused(EquerryError):
    """Source maps that are not taken: a damaged bundle, or beyond a limit; the message says why."""


class BackupError(EquerryError):
    """A backup that cannot be made, read or trusted; the message says what to do about it."""
