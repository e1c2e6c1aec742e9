"""Which project a request may report to: its key, and the page's origin."""

import hmac
from collections.abc import Sequence
from typing import NamedTuple

from equerry.errors import Cause, Refused
from equerry.settings import Project

HEADER = "X-Equerry-Key"
QUERY = "key"


class Key(NamedTuple):
    """A key as it was given, and where: a header's name, or what else a refusal should name."""

    text: str
    place: str


def project(projects: Sequence[Project], key: Key, origin: str, name: str = "") -> Project:
    """Return the key's project.

    name: the id or slug that the path names, or "". Raises Refused: 401 without a key, 403 for an
    unknown one, one of another project, or an origin that is not allowed.
    """
    if not key.text:
        raise missing(key.place)
    given = key.text.encode("utf-8", "replace")
    for candidate in projects:
        if hmac.compare_digest(candidate.key.encode(), given):
            if name and name not in {str(candidate.id), candidate.slug}:
                break  # as if it were unknown: a key tells nothing of other projects
            check_origin(candidate, origin)
            return candidate
    raise Refused(
        403,
        "no project has this key; `equerry dsn` prints the right one",
        (Cause(key.place, "is unknown"),),
    )


def missing(place: str) -> Refused:
    """Return the refusal (401) of what names no key. place: where it could."""
    return Refused(401, f"a key is needed: {place}", (Cause(place, "is missing"),))


def check_origin(project: Project, origin: str) -> None:
    """Let through what is no browser's page, and pages of an allowed origin. Raises Refused 403."""
    if origin and "*" not in project.origins and origin not in project.origins:
        raise Refused(
            403,
            "this origin may not report here",
            (Cause("Origin", "is not allowed", f"see origins of project {project.slug}"),),
        )
