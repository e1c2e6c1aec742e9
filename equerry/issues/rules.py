"""Which issues are worth telling: new ones, and ones that got worse."""

from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues.tally import IssueDelta

NEW_ISSUE = "new-issue"
WORSE_ISSUE = "worse-issue"


def finding(
    fingerprint: str, delta: IssueDelta, known: Severity | None, floor: Severity, project: str
) -> Finding | None:
    """Return a finding for an issue that is new, or more severe than ever seen, else None.

    known: the highest severity seen so far, None for a new issue. floor: the least severity told.
    """
    if not delta.severity.at_least(floor):
        return None
    if known is not None and delta.severity.rank <= known.rank:
        return None
    new = known is None or not known.at_least(floor)
    return Finding(
        rule=NEW_ISSUE if new else WORSE_ISSUE,
        key=f"{NEW_ISSUE}:{fingerprint}"
        if new
        else f"{WORSE_ISSUE}:{fingerprint}:{delta.severity}",
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
