"""The real app over the session's Valkey, asked through Flask's client."""

import msgspec
import pytest
from api_app import create_app
from flask import Flask
from flask.testing import FlaskClient

from equerry.redis_client import Redis
from equerry.settings import Api, Settings


@pytest.fixture
def app(redis: Redis, settings: Settings) -> Flask:
    """Return the app without rate limits."""
    del redis  # emptied before the app uses it
    return create_app(msgspec.structs.replace(settings, api=Api(rate_per_address=0.0)))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that sends no key by itself."""
    return app.test_client()
