"""The real app over the session's Valkey, asked through Flask's client."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from operators import MakeToken

from dashboard.app import build
from equerry import clock, tokens
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.tokens import Scope


@pytest.fixture
def app(redis: Redis, settings: Settings) -> Flask:
    """Return the app over an empty Valkey."""
    return build(settings, redis)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client that sends no token by itself."""
    return app.test_client()


@pytest.fixture
def make_token(redis: Redis) -> MakeToken:
    """Make a token: returns the header that bears it."""

    def make(scope: Scope = Scope.READ, name: str = "ann", lives_ms: int = 0) -> dict[str, str]:
        now_ms = clock.now_ms()
        expires_ms = now_ms + lives_ms if lives_ms else 0
        secret = tokens.make(redis, name, scope, now_ms, expires_ms)
        return {"Authorization": f"Bearer {secret}"}

    return make
