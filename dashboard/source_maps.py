"""What sentry-cli and the bundler plugins ask for an upload: `/api/0/…/chunk-upload/` and beyond.

The organisation in these paths may be any: there is one. Projects are named by their slug.
"""

import gzip
import sqlite3
import zlib
from collections.abc import Sequence

import msgspec
from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage

from dashboard import replies
from equerry import clock
from equerry.errors import Cause, Refused, SourceMapsRefused
from equerry.settings import Settings
from equerry.source_maps import assembly
from equerry.source_maps.assembly import Assembly
from equerry.source_maps.chunks import CHUNK_BYTES, MAX_CHUNKS

CHUNKS_PER_REQUEST = 16
# Multipart's own lines around each chunk.
REQUEST_MAX_BYTES = 32 * 1024 * 1024
FRAMING_BYTES = 64 * 1024
CONCURRENCY = 2
# Without `release_files` sentry-cli 2 sends each file by itself, as older servers had it.
ACCEPTED = ("release_files", "artifact_bundles", "artifact_bundles_v2")
PROJECTS = 100
BODY_BYTES = 512 * 1024


class _Body(msgspec.Struct, frozen=True):
    checksum: str
    chunks: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    version: str | None = None
    dist: str | None = None


_BODY = msgspec.json.Decoder(_Body)


def blueprint(settings: Settings) -> Blueprint:
    """Return the endpoints."""
    made = Blueprint("source-maps", __name__, url_prefix="/api/0/organizations/<org>")
    made.get("/chunk-upload/")(options)
    chunks = assembly.chunks(settings.data_path, settings.source_maps)

    @made.post("/chunk-upload/")
    def receive(org: str) -> Response:  # noqa: ARG001
        """Keep the request's chunks."""
        request.max_content_length = REQUEST_MAX_BYTES + FRAMING_BYTES
        request.max_form_parts = CHUNKS_PER_REQUEST
        parts = _parts()
        try:
            for name, part in parts:
                chunks.put(part.filename or "", _unpacked(name, part))
        except SourceMapsRefused as error:
            raise Refused(400, str(error), (Cause("file", str(error)),)) from error
        finally:
            for _, part in parts:
                part.close()  # what is large lies in a file of the system's
        return replies.json(200, [])

    @made.post("/artifactbundle/assemble/")
    def assemble(org: str) -> Response:  # noqa: ARG001
        """Join a bundle; says which chunks are missing, or what is wrong with it."""
        body = _body()
        projects = _projects(settings, body.projects)
        wanted = Assembly(body.checksum, body.chunks, body.version or "", body.dist or "")
        try:
            done = assembly.assemble(
                settings.data_path, projects, wanted, settings.source_maps, clock.now_ms()
            )
        except (SourceMapsRefused, sqlite3.Error) as error:
            return _state("error", detail=str(error))
        if done.missing or not (done.files or done.was_known):
            return _state("not_found", missing=done.missing)
        return _state("ok")

    return made


def options(org: str) -> Response:
    """Say how a client is to upload. The address is the one by which it came."""
    return replies.json(
        200,
        {
            "url": f"/api/0/organizations/{org}/chunk-upload/",
            "chunkSize": CHUNK_BYTES,
            "chunksPerRequest": CHUNKS_PER_REQUEST,
            "maxFileSize": CHUNK_BYTES * MAX_CHUNKS,
            "maxRequestSize": REQUEST_MAX_BYTES,
            "concurrency": CONCURRENCY,
            "hashAlgorithm": "sha1",
            "compression": ["gzip"],
            "accept": ACCEPTED,
        },
    )


def _parts() -> list[tuple[str, FileStorage]]:
    parts = [
        (name, part)
        for name in ("file", "file_gzip")
        for part in request.files.getlist(name)
    ]  # fmt: skip
    if not parts:
        raise Refused(400, "no chunks in it", (Cause("file", "is missing"),))
    return parts


def _unpacked(name: str, part: FileStorage) -> bytes:
    """Return a chunk's bytes; at most one more than it may have, so that a bomb stays small."""
    if name == "file":
        return part.stream.read(CHUNK_BYTES + 1)
    try:
        with gzip.GzipFile(fileobj=part.stream) as packed:
            return packed.read(CHUNK_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceMapsRefused(f"a chunk is no gzip: {error}") from error


def _body() -> _Body:
    request.max_content_length = BODY_BYTES
    try:
        return _BODY.decode(request.get_data())
    except msgspec.DecodeError as error:
        raise Refused(400, f"the body: {error}", (Cause("body", str(error)),)) from error


def _projects(settings: Settings, slugs: Sequence[str]) -> list[int]:
    """Return the ids of the projects. Raises Refused for a slug that there is not."""
    if not slugs or len(slugs) > PROJECTS:
        raise Refused(400, "projects: takes 1 to 100 slugs", (Cause("projects", "is needed"),))
    known = {project.slug: project.id for project in settings.projects}
    for slug in slugs:
        if slug not in known:
            raise Refused(
                400,  # at a 404 sentry-cli says that there is no release, and no more
                f"there is no project {slug[:80]!r}; there are: {', '.join(known)}",
                (Cause("projects", "is unknown"),),
            )
    return [known[slug] for slug in dict.fromkeys(slugs)]


def _state(state: str, missing: Sequence[str] = (), detail: str | None = None) -> Response:
    return replies.json(200, {"state": state, "missingChunks": missing, "detail": detail})
