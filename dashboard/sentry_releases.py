"""What sentry-cli and the bundler plugins ask for beside an upload: releases, deploys, projects.

Equerry knows a release from the events and uploads that name it, so these keep nothing; they answer
in the form that the tools read.
"""

import datetime as dt
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from dashboard import replies
from dashboard.access import actor
from equerry import clock
from equerry.errors import Cause, Refused
from equerry.settings import Settings
from equerry.source_maps.bundle import RELEASE_CHARS

ORGANISATION = "equerry"
BODY_BYTES = 512 * 1024


class _Release(msgspec.Struct, frozen=True):
    version: str = ""
    projects: tuple[str, ...] = ()
    dateReleased: str | None = None  # noqa: N815 - Sentry's name


class _Deploy(msgspec.Struct, frozen=True):
    environment: str = ""
    name: str | None = None


def blueprint(settings: Settings) -> Blueprint:
    """Return the endpoints."""
    made = Blueprint("sentry-releases", __name__, url_prefix="/api/0")
    projects: list[dict[str, Any]] = [
        {"id": str(each.id), "slug": each.slug, "name": each.slug, "team": None, "teams": []}
        for each in settings.projects
    ]

    @made.get("/")
    def who() -> Response:
        user = {"id": "0", "name": actor(), "email": ""}
        return replies.json(
            200, {"version": "0", "auth": {"scopes": ["project:releases"]}, "user": user}
        )

    @made.get("/organizations/")
    def organisations() -> Response:
        return replies.json(200, [_organisation(ORGANISATION)])

    @made.get("/organizations/<org>/")
    def organisation(org: str) -> Response:
        return replies.json(200, _organisation(org))

    @made.get("/organizations/<org>/projects/")
    def listed(org: str) -> Response:  # noqa: ARG001
        return replies.json(200, projects)

    @made.get("/organizations/<org>/repos/")
    def repositories(org: str) -> Response:  # noqa: ARG001
        return replies.json(200, [])

    @made.post("/organizations/<org>/releases/")
    @made.post("/projects/<org>/<project>/releases/")
    def create(org: str, project: str = "") -> Response:  # noqa: ARG001
        return replies.json(201, _released(_decoded(_Release), projects))

    @made.route("/organizations/<org>/releases/<version>/", methods=["GET", "PUT"])
    @made.route("/projects/<org>/<project>/releases/<version>/", methods=["GET", "PUT"])
    def update(org: str, version: str, project: str = "") -> Response:  # noqa: ARG001
        given = _Release() if request.method == "GET" else _decoded(_Release)
        release = msgspec.structs.replace(given, version=version)
        return replies.json(200, _released(release, projects))

    @made.post("/organizations/<org>/releases/<version>/deploys/")
    def deploy(org: str, version: str) -> Response:  # noqa: ARG001
        given = _decoded(_Deploy)
        answer = {"id": "0", "environment": given.environment, "name": given.name}
        return replies.json(201, answer)

    return made


def _organisation(slug: str) -> dict[str, Any]:
    return {
        "id": "0",
        "slug": slug,
        "name": slug,
        "dateCreated": "1970-01-01T00:00:00.000Z",
        "isEarlyAdopter": False,
        "require2FA": False,
        "features": [],
    }


def _released(release: _Release, projects: list[dict[str, Any]]) -> dict[str, Any]:
    if not 0 < len(release.version) <= RELEASE_CHARS:
        problem = f"takes 1 to {RELEASE_CHARS} characters"
        raise Refused(400, f"version: {problem}", (Cause("version", problem),))
    at = dt.datetime.fromtimestamp(clock.now_ms() / 1000, dt.UTC)
    return {
        "version": release.version,
        "shortVersion": release.version,
        "url": None,
        "dateCreated": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "dateReleased": release.dateReleased,
        "newGroups": 0,
        "projects": [{"slug": each["slug"], "name": each["name"]} for each in projects],
    }


def _decoded(form: type[Any]) -> Any:  # noqa: ANN401 - what the form says
    request.max_content_length = BODY_BYTES
    try:
        return msgspec.json.decode(request.get_data() or b"{}", type=form)
    except msgspec.DecodeError as error:
        raise BadRequest(f"the body: {error}") from error
