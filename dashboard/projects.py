"""The overview and the projects."""

from dashboard import operations
from dashboard.desk import Asked, Desk
from dashboard.shapes import Link, Overview, Project, Projects
from equerry import clock, keys, settings, version
from equerry.errors import Refused
from equerry.issues import counters


def overview(_desk: Desk, asked: Asked) -> Overview:
    """List the operations, and say who asks."""
    links = tuple(
        Link(each.method, f"{operations.ROOT}{each.path}", each.summary)
        for each in operations.OPERATIONS
    )
    return Overview(version.release(), asked.by, asked.scopes, links)


def every(desk: Desk, asked: Asked) -> Projects:
    """Return all projects, in the order of the settings."""
    return Projects(tuple(_shown(desk, each, asked.now_ms) for each in desk.settings.projects))


def one(desk: Desk, asked: Asked) -> Project:
    """Return one project. Raises Refused 404."""
    slug = asked.place["slug"]
    found = desk.project(slug)
    if found is None:
        known = ", ".join(desk.scopes.values()) or "none"
        raise Refused(404, f"there is no project {slug[:80]!r}; there is {known}")
    return _shown(desk, found, asked.now_ms)


def _shown(desk: Desk, project: settings.Project, now_ms: int) -> Project:
    scope = keys.scope(project.id)
    return Project(
        id=project.id,
        slug=project.slug,
        key=project.key,
        origins=project.origins,
        issues=desk.redis.zcard(keys.issues(scope)),
        events_waiting=desk.redis.xlen(keys.events(scope)),
        today=counters.read(desk.redis, scope, [clock.day(now_ms)]),
    )
