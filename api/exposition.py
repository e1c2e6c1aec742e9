"""Prometheus metrics of the door and of what it can see: one table of names, types and meanings."""

import functools
import hmac
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from api import client_address, replies
from equerry import clock, keys
from equerry.health import client_drops
from equerry.health.lookout import Lookout
from equerry.health.part import Status
from equerry.issues import counters
from equerry.redis_client import Redis
from equerry.settings import Settings

# What proxies add to a request that they pass on.
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


class Family(NamedTuple):
    """One metric family. labels: comma-separated names."""

    kind: str
    labels: str
    meaning: str


FAMILIES: dict[str, Family] = {
    "equerry_http_requests": Family(
        "counter", "endpoint,status", "Requests that this door process answered"
    ),
    "equerry_up": Family("gauge", "", "1 where Redis answers, else 0"),
    "equerry_part_ok": Family("gauge", "part", "1 where the part is ok or warns, else 0"),
    "equerry_stream_events": Family("gauge", "project", "Accepted events that wait for a worker"),
    "equerry_stream_bytes": Family("gauge", "project", "Bytes of the events that wait"),
    "equerry_events_today": Family(
        "gauge", "project,what", "Events processed since midnight UTC, by kind and severity"
    ),
    "equerry_refused": Family(
        "counter", "project,reason", "Events that the door turned away, or knew already (repeated)"
    ),
    "equerry_client_dropped": Family(
        "counter",
        "project,reason,category",
        "What clients say that they dropped themselves: by sampling, a full queue, a lost network",
    ),
    "equerry_dead_letters": Family("gauge", "project", "Events that no delivery could process"),
    "equerry_notifications_waiting": Family("gauge", "project", "Notifications in the outbox"),
    "equerry_workers_alive": Family("gauge", "", "Workers that gave a sign of life lately"),
    "equerry_spool_bytes": Family("gauge", "", "Bytes that wait on disk for Redis to come back"),
    "equerry_disk_free_bytes": Family("gauge", "", "Free bytes on the data directory's disk"),
}


class _State(Collector):
    """Reads Redis and the disk at each scrape."""

    def __init__(self, settings: Settings, redis: Redis, lookout: Lookout) -> None:
        self._lookout = lookout
        self._settings = settings
        self._redis = redis

    def collect(self) -> Iterator[Metric]:
        """Yield the families of the table that hold a sample now."""
        families = {
            name: Metric(name, family.meaning, family.kind) for name, family in FAMILIES.items()
        }
        for name, labels, value in self._samples():
            suffix = "_total" if FAMILIES[name].kind == "counter" else ""
            families[name].add_sample(name + suffix, labels, value)
        yield from (family for family in families.values() if family.samples)

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        look = self._lookout.look(clock.now_ms())
        seen = look.parts
        for name, part in seen.items():
            ok = part.status in {Status.OK, Status.WARN}
            yield "equerry_part_ok", {"part": name}, float(ok)
        for name, figure, metric in (
            ("workers", "alive", "equerry_workers_alive"),
            ("spool", "bytes", "equerry_spool_bytes"),
            ("disk", "free_bytes", "equerry_disk_free_bytes"),
        ):
            value = seen[name].value.get(figure)
            if isinstance(value, int | float):
                yield metric, {}, float(value)
        try:
            projects = list(self._by_project()) if look.answers else None
        except (RedisError, OSError):
            projects = None
        yield "equerry_up", {}, float(projects is not None)
        yield from projects or ()

    def _by_project(self) -> Iterator[tuple[str, dict[str, str], float]]:
        redis = self._redis
        today = clock.day(clock.now_ms())
        for project in self._settings.projects:
            scope, label = keys.scope(project.id), {"project": project.slug}
            yield "equerry_stream_events", label, redis.xlen(keys.events(scope))
            yield "equerry_stream_bytes", label, int(redis.get(keys.events_bytes(scope)) or 0)
            yield "equerry_dead_letters", label, redis.xlen(keys.dead(scope))
            yield "equerry_notifications_waiting", label, redis.zcard(keys.outbox_due(scope))
            for what, number in counters.read(redis, scope, [today]).items():
                yield "equerry_events_today", {**label, "what": what}, number
            for reason, number in redis.hgetall(keys.refusals(scope)).items():
                yield "equerry_refused", {**label, "reason": reason.decode()}, int(number)
            for (reason, category), number in client_drops.read(redis, scope).items():
                labels = {**label, "reason": reason, "category": category}
                yield "equerry_client_dropped", labels, number


def blueprint(settings: Settings, redis: Redis, lookout: Lookout) -> Blueprint:
    """Return the endpoint, which also counts every answer of the app it is registered with."""
    exposition = Blueprint("exposition", __name__)
    registry = CollectorRegistry()
    registry.register(_State(settings, redis, lookout))
    family = FAMILIES["equerry_http_requests"]
    answered = Counter(
        "equerry_http_requests", family.meaning, family.labels.split(","), registry=registry
    )

    @functools.cache  # endpoints and statuses are few
    def counter(endpoint: str, status: int) -> Counter:
        return answered.labels(endpoint, str(status))

    def count(response: Response) -> Response:
        endpoint = request.url_rule.rule if request.url_rule else "unknown"
        counter(endpoint, response.status_code).inc()
        return response

    @exposition.record
    def _count_answers(state: BlueprintSetupState) -> None:
        state.app.after_request(count)

    @exposition.get("/metrics")
    def metrics() -> Response:
        if not _may_read(settings.api.metrics_token):
            return replies.json(
                403,
                {"detail": "ask from loopback, or set api.metrics_token and send it", "causes": []},
            )
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return exposition


def _may_read(token: str) -> bool:
    """Whether the token is right or, where none is set, the request comes from this machine.

    A request that some proxy forwarded does not, whatever address the proxy has.
    """
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), f"Bearer {token}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    return client_address.is_loopback(request.remote_addr or "") and _is_asked_of_loopback()


def _is_asked_of_loopback() -> bool:
    """Whether the Host is this machine's: a proxy or a page that names it otherwise passes on."""
    host = urlsplit(f"//{request.host}").hostname or ""
    return host == "localhost" or client_address.is_loopback(host)
