"""Tells of quotas that are used up, or nearly: refused events are nowhere else."""

from collections.abc import Iterator

from equerry import keys
from equerry.finding import Finding
from equerry.health import quotas
from equerry.health.quotas import Usage
from equerry.redis_client import Redis
from equerry.settings import Project
from workers.jobs.job import Context, Outcome


def run(context: Context) -> Outcome:
    """Return one finding for each window that refused, and one for each that is nearly full."""
    found: dict[str, tuple[Finding, ...]] = {}
    summary: dict[str, int | float | str] = {}
    for scope, project_id in context.scopes.items():
        project = context.settings.project(project_id)
        if project is None:
            continue
        told: list[Finding] = []
        for usage in _usages(context.redis, scope, project):
            summary[f"{project.slug}.{usage.window}"] = usage.accepted
            finding = quotas.judge(usage, project.slug, context.now_ms)
            if finding is not None:
                told.append(finding)
                context.redis.hset(
                    keys.quotas_used_up(scope), *quotas.told(usage, finding, context.now_ms)
                )
        if told:
            found[scope] = tuple(told)
    return Outcome(summary, found)


def _usages(redis: Redis, scope: str, project: Project) -> Iterator[Usage]:
    """Yield the windows for which the project has a quota."""
    limits = {
        "minute": project.quota_per_minute,
        "hour": project.quota_per_hour,
        "day": project.quota_per_day,
    }
    limited = {window: quota for window, quota in limits.items() if quota}
    if not limited:
        return
    noted = {
        name.decode(): int(at) for name, at in redis.hgetall(keys.quotas_used_up(scope)).items()
    }
    accepted = redis.mget([keys.quota(scope, window) for window in limited])
    for (window, quota), number in zip(limited.items(), accepted, strict=True):
        yield Usage(
            window,
            quota,
            int(number or 0),
            refused_ms=noted.get(f"quota-{window}", 0),
            told_ms=noted.get(f"told-{window}", 0),
            warned_ms=noted.get(f"warned-{window}", 0),
        )
