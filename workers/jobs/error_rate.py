"""Compares each project's errors with its page views, or with its sessions."""

from equerry import clock
from equerry.clock import HOUR_MS, MINUTE_MS
from equerry.finding import Finding
from equerry.health import error_rate
from equerry.issues import counters
from workers.jobs.job import Context, Outcome


def windows(now_ms: int) -> dict[str, list[str]]:
    """Return the counter buckets of each window: the last whole minute, 60 minutes, 24 hours."""
    minutes = [clock.minute(now_ms - n * MINUTE_MS) for n in range(1, 61)]
    hours = [clock.hour(now_ms - n * HOUR_MS) for n in range(24)]
    return {"minute": minutes[:1], "hour": minutes, "day": hours}


def run(context: Context) -> Outcome:
    """Judge every project; a high rate is a critical finding."""
    limits = context.settings.error_rate
    found: dict[str, tuple[Finding, ...]] = {}
    summary: dict[str, int | float | str] = {}
    for scope, project_id in context.scopes.items():
        project = context.settings.project(project_id)
        if project is None:
            continue
        judged = [
            error_rate.judge(
                name,
                counters.read(context.redis, scope, buckets),
                threshold=limits.threshold,
                min_page_views=limits.min_page_views,
            )
            for name, buckets in windows(context.now_ms).items()
        ]
        summary |= {f"{project.slug}.{window.name}": window.verdict.value for window in judged}
        summary[f"{project.slug}.per"] = judged[-1].per
        finding = error_rate.finding(judged, project.slug, limits.threshold, context.now_ms)
        if finding is not None:
            found[scope] = (finding,)
    return Outcome(summary, found)
