"""What an orchestrator, a monitor and a person ask: alive, ready, healthy."""

from flask import Blueprint, Response
from redis.exceptions import RedisError

from api import replies
from equerry import clock
from equerry.health.lookout import Lookout
from equerry.health.part import Status, overall
from equerry.redis_client import Redis
from equerry.stream.spool import Spool


def blueprint(redis: Redis, spool: Spool, lookout: Lookout) -> Blueprint:
    """Return the endpoints."""
    probes = Blueprint("probes", __name__)

    @probes.get("/livez")
    def livez() -> Response:
        return replies.json(200, {"status": "ok"})

    @probes.get("/readyz")
    def readyz() -> Response:
        """Ready is: a report sent now would be kept, in Redis or on disk."""
        if _answers(redis):
            return replies.json(200, {"status": "ok", "keeps_in": "redis"})
        if spool.has_room():
            return replies.json(200, {"status": "warn", "keeps_in": "spool"})
        return replies.json(503, {"status": "fail", "keeps_in": ""})

    @probes.get("/api/infrastructure/health")
    def health() -> Response:
        seen = lookout.look(clock.now_ms())
        status = overall(seen.parts)
        body: dict[str, object] = {
            "status": status,
            "at": clock.rfc3339(seen.at_ms),
            "parts": seen.parts,
        }
        return replies.json(503 if status is Status.FAIL else 200, body)

    return probes


def _answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except (RedisError, OSError):
        return False
