"""The overview, and the projects with their releases and monitors."""

from dashboard import operations
from dashboard.desk import Asked, Desk
from dashboard.shapes import Link, Monitors, Overview, Project, Projects, Releases
from equerry import clock, keys, settings, version
from equerry.errors import Refused
from equerry.health import monitors_view, releases_view
from equerry.issues import counters, record

# As many as a page of issues has where nobody says how many.
RELEASES = 25


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
    return _shown(desk, _found(desk, asked), asked.now_ms)


def releases(desk: Desk, asked: Asked) -> Releases:
    """Return a project's releases. Raises Refused 404."""
    scope = keys.scope(_found(desk, asked).id)
    limit = asked.query.get("limit", RELEASES)
    return Releases(tuple(releases_view.newest(desk.redis, scope, asked.now_ms, limit)))


def monitors(desk: Desk, asked: Asked) -> Monitors:
    """Return a project's monitors. Raises Refused 404."""
    scope = keys.scope(_found(desk, asked).id)
    return Monitors(tuple(monitors_view.every(desk.redis, scope)))


def _found(desk: Desk, asked: Asked) -> settings.Project:
    slug = asked.place["slug"]
    found = desk.project(slug)
    if found is None:
        known = ", ".join(desk.scopes.values()) or "none"
        raise Refused(404, f"there is no project {slug[:80]!r}; there is {known}")
    return found


def _shown(desk: Desk, project: settings.Project, now_ms: int) -> Project:
    scope = keys.scope(project.id)
    return Project(
        id=project.id,
        slug=project.slug,
        key=project.key,
        origins=project.origins,
        issues=record.count(desk.redis, scope),
        events_waiting=desk.redis.xlen(keys.events(scope)),
        today=counters.read(desk.redis, scope, [clock.day(now_ms)]),
    )
