"""Which project a request may report to: its key, and the page's origin."""

import hmac
from collections.abc import Sequence

from equerry.errors import Cause, Refused
from equerry.settings import Project

HEADER = "X-Equerry-Key"
QUERY = "key"


def project(projects: Sequence[Project], key: str, origin: str) -> Project:
    """Return the key's project.

    Raises Refused: 401 without a key, 403 for an unknown one or for an origin that is not allowed.
    """
    if not key:
        raise Refused(
            401,
            f"a key is needed: header {HEADER}, or query parameter {QUERY}",
            (Cause(HEADER, "is missing"),),
        )
    given = key.encode("utf-8", "replace")
    for candidate in projects:
        if hmac.compare_digest(candidate.key.encode(), given):
            check_origin(candidate, origin)
            return candidate
    raise Refused(
        403,
        "no project has this key; `equerry dsn` prints the right one",
        (Cause(HEADER, "is unknown"),),
    )


def check_origin(project: Project, origin: str) -> None:
    """Let through what is no browser's page, and pages of an allowed origin. Raises Refused 403."""
    if origin and "*" not in project.origins and origin not in project.origins:
        raise Refused(
            403,
            "this origin may not report here",
            (Cause("Origin", "is not allowed", f"see origins of project {project.slug}"),),
        )
