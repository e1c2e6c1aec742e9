"""The shape of every job: it looks, it may tidy, and it returns what it found."""

import msgspec

from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.settings import Settings


class Context(msgspec.Struct, frozen=True):
    """What a job is given. scopes: scope → project id, 0 for the installation's own."""

    settings: Settings
    redis: Redis
    scopes: dict[str, int]
    now_ms: int


class Outcome(msgspec.Struct, frozen=True):
    """What a job returns. summary: for the ledger and the log. findings: by scope."""

    summary: dict[str, int | float | str] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
