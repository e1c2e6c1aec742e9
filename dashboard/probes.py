"""What an orchestrator asks: is the process alive, can it answer for what Redis holds."""

from flask import Blueprint, Response
from redis.exceptions import RedisError

from dashboard import replies
from equerry.redis_client import Redis


def blueprint(redis: Redis) -> Blueprint:
    """Return the endpoints."""
    probes = Blueprint("probes", __name__)

    @probes.get("/livez")
    def livez() -> Response:
        return replies.json(200, {"status": "ok"})

    @probes.get("/readyz")
    def readyz() -> Response:
        try:
            redis.ping()
        except (RedisError, OSError):
            return replies.json(503, {"status": "fail"})
        return replies.json(200, {"status": "ok"})

    return probes
