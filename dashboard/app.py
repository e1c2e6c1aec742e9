"""The operator's Flask app: `granian --interface wsgi --factory dashboard.app:create_app`."""

from flask import Flask

from dashboard import openapi, probes, replies, sentry_releases, source_maps, v1
from dashboard.access import Access
from dashboard.desk import Desk
from equerry import faults, logs, settings_file, version
from equerry.redis_client import Redis, connect
from equerry.settings import Settings


def create_app() -> Flask:
    """Return the app of the operator's process, with its logs set up. Raises SettingsError."""
    settings = settings_file.load()
    logs.configure(settings.log_format)
    faults.report_to(settings.sentry.dsn, version.release())
    return build(settings, connect(settings.redis_url))


def build(settings: Settings, redis: Redis) -> Flask:
    """Return the app: routes and answers, and nothing that runs by itself.

    Every endpoint needs a token unless `access.OPEN` names it.
    """
    app = Flask("dashboard", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # no page of another origin is answered
    replies.install(app)
    Access(settings.dashboard, redis).install(app)
    app.register_blueprint(probes.blueprint(redis))
    app.register_blueprint(openapi.blueprint())
    app.register_blueprint(v1.blueprint(Desk(settings, redis)))
    app.register_blueprint(source_maps.blueprint(settings))
    app.register_blueprint(sentry_releases.blueprint(settings))
    return app
