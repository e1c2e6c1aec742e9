"""One message to one channel: what the outbox keeps and a channel sends."""

import msgspec

from equerry.finding import Finding


class Notification(msgspec.Struct, frozen=True):
    """A row of the outbox.

    id: 32 hex, the idempotency key that travels with every attempt.
    findings: one, or the bundle of what followed the first of a group; never empty.
    more: how many findings the bundle stands for beside those.
    repeat: this cause was told before and is still there.
    attempts: sends tried so far. created_ms and due_ms: epoch milliseconds.
    """

    id: str
    scope: str
    channel: str
    findings: tuple[Finding, ...]
    created_ms: int
    due_ms: int
    more: int = 0
    repeat: bool = False
    attempts: int = 0
    last_error: str = ""

    @property
    def lead(self) -> Finding:
        """The most severe finding, the earliest among equals: what the title speaks of."""
        return max(self.findings, key=lambda finding: (finding.severity.rank, -finding.at_ms))

    @property
    def title(self) -> str:
        """The lead's title, and how many stand with it."""
        others = len(self.findings) - 1 + self.more
        more = f" (and {others} more)" if others else ""
        again = "Still: " if self.repeat else ""
        return f"{again}{self.lead.title}{more}"
