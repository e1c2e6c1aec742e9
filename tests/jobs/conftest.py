"""What a job is given."""

import pytest

from equerry import clock, keys
from equerry.redis_client import Redis
from equerry.settings import Settings
from workers.jobs.job import Context


@pytest.fixture
def context(redis: Redis, settings: Settings) -> Context:
    """Return a context of one project, now."""
    return Context(settings, redis, {"p1": 1, keys.SITE: 0}, clock.now_ms())
