"""The least that accepts a report: a Flask view with one XADD. It checks nothing at all."""

from flask import Flask, Response, request

from equerry import settings_file
from equerry.redis_client import connect

STREAM = "bare"


def create_app() -> Flask:
    """Return the app, for granian's `--factory`."""
    redis = connect(settings_file.load().redis_url)
    app = Flask("bare", static_folder=None)

    @app.post("/api/errors")
    @app.post("/api/1/envelope/")
    def report() -> Response:
        redis.xadd(STREAM, {"d": request.get_data()})
        return Response(b'{"id":"ok"}', 202, mimetype="application/json")

    return app
