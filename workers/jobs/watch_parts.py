"""Looks at Equerry's own parts: keeps since when each is as it is, and reports what fails."""

from equerry import keys
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.health import parts
from equerry.health.part import Part, Status
from workers.jobs.job import Context, Outcome

# What a failing or warning part is told as: (part, status) → rule and severity. The others are seen
# on the health page; a dead Redis or beat cannot be told by those who depend on them.
TOLD: dict[tuple[str, Status], tuple[str, Severity]] = {
    ("dead_letters", Status.WARN): ("dead-letters", Severity.HIGH),
    ("disk", Status.FAIL): ("disk-full", Severity.CRITICAL),
    ("stream", Status.FAIL): ("queue-stalled", Severity.CRITICAL),
    ("stream", Status.WARN): ("queue-filling", Severity.HIGH),
    ("spool", Status.FAIL): ("spool-filling", Severity.CRITICAL),
    ("redis", Status.FAIL): ("redis-failing", Severity.CRITICAL),
    ("redis", Status.WARN): ("redis-warning", Severity.MEDIUM),
    ("outbox", Status.WARN): ("notifications-undelivered", Severity.HIGH),
}


def run(context: Context) -> Outcome:
    """Write each part's status and since when it holds; return findings for what is told."""
    parts.remember_scopes(context.redis, context.settings)
    seen = parts.look(context.redis, context.settings, context.now_ms)
    known = parts.since(context.redis)
    changed = {
        name: f"{part.status.value} {context.now_ms}"
        for name, part in seen.items()
        if known.get(name, ("", 0))[0] != part.status.value
    }
    if changed:
        context.redis.hset(keys.conditions(), mapping=changed)
    found = [_finding(name, part, context.now_ms) for name, part in seen.items()]
    return Outcome(
        {name: part.status.value for name, part in seen.items()},
        {keys.SITE: tuple(finding for finding in found if finding is not None)},
    )


def _finding(name: str, part: Part, now_ms: int) -> Finding | None:
    told = TOLD.get((name, part.status))
    if told is None:
        return None
    rule, severity = told
    return Finding(
        rule=rule,
        key=f"{rule}:{name}",
        severity=severity,
        title=f"Equerry's own {name.replace('_', ' ')}: {part.problem}",
        at_ms=now_ms,
        details={label.replace("_", " "): str(figure) for label, figure in part.value.items()},
    )
