"""Which issues are worth telling: new ones, ones that got worse, grave ones that go on. Pure."""

from typing import NamedTuple

from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues.tally import IssueDelta

NEW_ISSUE = "new-issue"
WORSE_ISSUE = "worse-issue"

# A known issue of at least this severity is told again while it goes on; lesser ones only once.
GOES_ON = Severity.HIGH


class Known(NamedTuple):
    """What the index says of an issue that was seen before.

    severity: the highest seen. told_ms: when it was last a finding, epoch ms; 0 for never.
    """

    severity: Severity
    told_ms: int


def finding(
    fingerprint: str,
    delta: IssueDelta,
    known: Known | None,
    *,
    floor: Severity,
    repeat_ms: int,
    project: str,
) -> Finding | None:
    """Return a finding for an issue that is new, worse than ever seen, or grave and going on.

    known: what the index says of it, None for a new one. floor: the least severity told.
    repeat_ms: how long a grave issue that goes on is left alone once told.
    """
    if not delta.severity.at_least(floor):
        return None
    if known is None or not known.severity.at_least(floor):
        return _finding(NEW_ISSUE, f"{NEW_ISSUE}:{fingerprint}", fingerprint, delta, project)
    if delta.severity.rank > known.severity.rank:
        key = f"{WORSE_ISSUE}:{fingerprint}:{delta.severity}"
        return _finding(WORSE_ISSUE, key, fingerprint, delta, project)
    if delta.severity.at_least(GOES_ON) and delta.last_ms - known.told_ms >= repeat_ms:
        return _finding(NEW_ISSUE, f"{NEW_ISSUE}:{fingerprint}", fingerprint, delta, project)
    return None


def _finding(rule: str, key: str, fingerprint: str, delta: IssueDelta, project: str) -> Finding:
    return Finding(
        rule=rule,
        key=key,
        severity=delta.severity,
        title=delta.title,
        at_ms=delta.first_ms,
        details={
            "Project": project,
            "Severity": delta.severity.value,
            "Issue": fingerprint,
            "Event": delta.event_id,
        },
    )
