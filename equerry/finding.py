"""What a rule or a job noticed: the one thing that passes between the subject rooms."""

import msgspec

from equerry.events.severity import Severity


class Finding(msgspec.Struct, frozen=True):
    """Something worth telling. Equal keys are the same cause, noticed again.

    rule: what noticed it, e.g. `new-issue`; groups and dedups hang on it.
    key: `<rule>:<what>`, unique per cause within a scope.
    at_ms: when it was noticed, epoch milliseconds.
    details: short label → text pairs for whoever is woken, in the order to show them.
    """

    rule: str
    key: str
    severity: Severity
    title: str
    at_ms: int
    details: dict[str, str] = {}
