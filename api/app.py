"""The door's Flask app: `granian --interface wsgi --factory api.app:create_app`."""

from flask import Flask

from api import exposition, openapi, probes, replies, reports
from equerry import faults, logs, settings_file, version
from equerry.health.lookout import Lookout
from equerry.redis_client import connect
from equerry.settings import Settings
from equerry.stream.acceptor import Acceptor, Replayer
from equerry.stream.door import Door
from equerry.stream.spool import Spool

# A reporter waits for its answer; beyond this Redis counts as away, and the spool takes the event.
REDIS_SECONDS = 2.0


def create_app(settings: Settings | None = None) -> Flask:
    """Return the app, with its replayer running. Raises SettingsError."""
    if settings is None:
        settings = settings_file.load()
        logs.configure(settings.log_format)
        faults.report_to(settings.sentry.dsn, version.release())
    redis = connect(settings.redis_url, timeout_seconds=REDIS_SECONDS)
    spool = Spool(settings.data_path / "spool", settings.queue.spool_max_bytes)
    acceptor = Acceptor(Door(redis, settings.queue), spool)
    lookout = Lookout(redis, settings)
    app = Flask("equerry", static_folder=None)
    replies.install(app)
    app.register_blueprint(reports.blueprint(settings, acceptor))
    app.register_blueprint(probes.blueprint(redis, spool, lookout))
    app.register_blueprint(exposition.blueprint(settings, redis, lookout))
    app.register_blueprint(openapi.blueprint())
    Replayer(acceptor).start()
    return app
