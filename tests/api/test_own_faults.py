"""Equerry's own faults, reported to itself: they arrive, and one cannot feed itself."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk
from flask import Flask, request
from installation import wait_until
from known import WEB_KEY
from werkzeug.serving import make_server

from api.app import build, make_acceptor
from equerry import faults, keys
from equerry.cli.address import base_url, dsn_of
from equerry.redis_client import Redis
from equerry.settings import Project, Settings
from equerry.stream.acceptor import Acceptor

QUIET_SECONDS = 1.5


class Broken(Acceptor):
    """An acceptor with a fault, so that every report of a fault is the next fault."""

    def accept(self, *_: object) -> None:
        """Fail as code fails that is wrong."""
        raise RuntimeError("the acceptor is broken")


@contextmanager
def serving(app: Flask, project: Project) -> Iterator[str]:
    """Serve the app on loopback, and report this process's faults to it; yields its DSN."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        dsn = dsn_of(project, base_url("127.0.0.1", server.port))
        faults.report_to(dsn, "1.0")
        yield dsn
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_fault_is_reported_to_itself(redis: Redis, settings: Settings) -> None:
    """A DSN of its own is as good as another's: the fault is an event like any other."""
    app = build(settings, make_acceptor(settings))
    with serving(app, settings.projects[0]):
        logging.getLogger("equerry").error("a fault of ours")
        sentry_sdk.flush(5)
        time.sleep(QUIET_SECONDS)
    [(_, fields)] = redis.xrange(keys.events("p1"))
    assert fields[b"k"] == b"errors"
    assert b"a fault of ours" in fields[b"d"]


def test_a_fault_of_taking_faults_ends(settings: Settings) -> None:
    """Each report makes the next fault, and the tenth of a minute is the last that leaves."""
    sound = make_acceptor(settings)
    app = build(settings, Broken(sound._door, sound.spool))
    envelopes: list[float] = []

    @app.before_request
    def note() -> None:
        if request.path.endswith("/envelope/"):
            envelopes.append(time.monotonic())

    with serving(app, settings.projects[0]):
        answer = app.test_client().post(
            "/api/errors", json={"message": "m"}, headers={"X-Equerry-Key": WEB_KEY}
        )
        assert answer.status_code == 500
        wait_until(
            lambda: envelopes and time.monotonic() - envelopes[-1] > QUIET_SECONDS,
            "its reports to itself end",
        )
        assert 1 <= len(envelopes) <= faults.REPORTS_PER_MINUTE
