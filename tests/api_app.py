"""The door's app as tests want it: the same routes and parts, and no thread that outlives them."""

from flask import Flask

from api.app import build, make_acceptor
from equerry.settings import Settings


def create_app(settings: Settings) -> Flask:
    """Return the app over these settings."""
    return build(settings, make_acceptor(settings))
