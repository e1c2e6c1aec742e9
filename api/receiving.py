"""The one way through the door, which every report takes.

1. key: which project, and may this origin report to it
2. size: the body is read and inflated within its limits, where its sender has a place to upload
3. read: bytes into reports, each field checked
4. one script: rates, room, repeats, append (or the spool, while Redis is away)
"""

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import ip_network
from typing import NamedTuple

from flask import Response, g, request

from api import body, client_address, reporter
from api.body import Limits
from api.reporter import Key
from api.uploads import LARGE, LARGE_PER_BUCKET, Uploads
from equerry import clock, keys, logs
from equerry.errors import Refused
from equerry.events.intake import Intake, Sender
from equerry.settings import Project, Settings
from equerry.stream.acceptor import Acceptor
from equerry.stream.door import Rates
from equerry.stream.entry import Entry


class Form(NamedTuple):
    """What differs between the kinds of report.

    key: of the request, as its path and headers give it; without text where it has none.
    key_in: the key that the body itself may hold. project: its id or slug in the path.
    read: bytes, sender, epoch ms → reports; raises Refused. reply: the answer to what was taken.
    """

    key: Callable[[], Key]
    limits: Limits
    read: Callable[[bytes, Sender, int], Intake]
    reply: Callable[[Intake], Response]
    key_in: Callable[[bytes], Key] | None = None
    project: str = ""


class Receiver:
    """The steps, with this process's places and its way to the stream."""

    def __init__(self, settings: Settings, acceptor: Acceptor) -> None:
        api = settings.api
        self._projects = settings.projects
        self._trusted = [ip_network(network) for network in api.trusted_proxies]
        self._rates = Rates(api.rate_per_address, api.rate_per_key, api.burst_seconds)
        self._uploads = Uploads()
        self._large = Uploads(LARGE, LARGE_PER_BUCKET)
        self._acceptor = acceptor

    def receive(self, form: Form) -> Response:
        """Take what the present request reports. Raises Refused."""
        g.request_id = secrets.token_hex(8)
        with logs.bound(request=g.request_id), ExitStack() as held:
            return self._take(form, held)

    def _take(self, form: Form, held: ExitStack) -> Response:
        environ = request.environ  # read as it is: request.headers looks a name up by scanning
        key = form.key()
        project = None
        if key.text or form.key_in is None:
            project = self._project(form, key)
        address = client_address.client(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._trusted
        )
        bucket = client_address.bucket(address)
        with self._uploads.reading(bucket):
            raw = body.read(
                environ["wsgi.input"],
                request.content_length,
                environ.get("HTTP_CONTENT_ENCODING", ""),
                form.limits,
                lambda: held.enter_context(self._large.reading(bucket)),
            )
        if project is None and form.key_in is not None:
            project = self._project(form, form.key_in(raw))
        assert project is not None  # noqa: S101
        sender = Sender(
            environ.get("HTTP_USER_AGENT", ""), client_address.anonymous(address), project.key
        )
        now_ms = clock.now_ms()
        taken = form.read(raw, sender, now_ms)
        if not taken.accepted and taken.causes:
            raise Refused(taken.status, "nothing in this request is valid", taken.causes)
        scope = keys.scope(project.id)
        if taken.accepted:
            entries = [Entry(b"", each.kind, each.id, now_ms, each.raw) for each in taken.accepted]
            self._acceptor.accept(scope, entries, self._rates, bucket)
        if taken.skipped:
            self._acceptor.count_skipped(scope, taken.skipped)
        return form.reply(taken)

    def _project(self, form: Form, key: Key) -> Project:
        origin = request.environ.get("HTTP_ORIGIN", "")
        return reporter.project(self._projects, key, origin, form.project)
