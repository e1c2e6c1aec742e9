"""The door's Flask app: `granian --interface wsgi --factory api.app:create_app`."""

from flask import Flask

from api import browser_reports, envelopes, exposition, openapi, probes, replies, reports
from api.receiving import Receiver
from equerry import collector, faults, logs, settings_file, version
from equerry.health.lookout import Lookout
from equerry.redis_client import connect
from equerry.settings import Settings
from equerry.stream.acceptor import Acceptor, Replayer
from equerry.stream.door import Door, quotas
from equerry.stream.spool import Spool

# A reporter waits for its answer; beyond this Redis counts as away, and the spool takes the event.
REDIS_SECONDS = 2.0


def create_app() -> Flask:
    """Return the app of a door process, with its logs set up and its replayer running.

    Raises SettingsError.
    """
    settings = settings_file.load()
    logs.configure(settings.log_format)
    faults.report_to(settings.sentry.dsn, version.release())
    acceptor = make_acceptor(settings)
    Replayer(acceptor).start()
    app = build(settings, acceptor)
    collector.settle()
    return app


def make_acceptor(settings: Settings) -> Acceptor:
    """Return this process's way to the stream, with a spool of its own."""
    redis = connect(settings.redis_url, timeout_seconds=REDIS_SECONDS)
    spool = Spool(settings.data_path / "spool", settings.queue.spool_max_bytes)
    return Acceptor(Door(redis, settings.queue, quotas(settings.projects)), spool)


def build(settings: Settings, acceptor: Acceptor) -> Flask:
    """Return the app: routes and answers, and nothing that runs by itself."""
    redis = connect(settings.redis_url, timeout_seconds=REDIS_SECONDS)
    lookout = Lookout(redis, settings)
    app = Flask("equerry", static_folder=None)
    replies.install(app)
    receiver = Receiver(settings, acceptor)
    app.register_blueprint(reports.blueprint(receiver))
    app.register_blueprint(envelopes.blueprint(receiver))
    app.register_blueprint(browser_reports.blueprint(receiver))
    app.register_blueprint(probes.blueprint(redis, acceptor.spool, lookout))
    app.register_blueprint(exposition.blueprint(settings, redis, lookout))
    app.register_blueprint(openapi.blueprint())
    return app
