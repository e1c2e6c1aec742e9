"""What a drained batch adds beside issues: releases, monitors and what clients dropped."""

import uuid
from typing import Any

import msgspec
import pytest
from api_app import create_app
from known import WEB_KEY
from pipeline_bench import archived

from equerry import clock, keys
from equerry.events.report import CheckInReport, DropReport, ErrorReport, SessionReport
from equerry.health import (
    client_drops,
    monitor_store,
    monitors,
    monitors_view,
    release_store,
    releases_view,
)
from equerry.health.rebuild import Rebuild
from equerry.issues import counters, reindex
from equerry.issues.reindex import Other
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.stream import findings
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from workers.pipeline import drain
from workers.pipeline.batch import Bench

SCOPE, PROJECT = "p1", 1
KINDS = {
    SessionReport: "sessions",
    CheckInReport: "check-ins",
    DropReport: "drops",
    ErrorReport: "errors",
}


class Sender:
    """Puts reports into the stream as the door does, and drains them."""

    def __init__(self, redis: Redis, bench: Bench) -> None:
        self._door = Door(redis, Queue())
        self._bench = bench
        self.at_ms = clock.now_ms()

    def send(self, *reports: Any) -> None:
        """Send in one request, and drain."""
        self._door.append(
            SCOPE,
            [
                Entry(
                    b"",
                    KINDS[type(report)],
                    uuid.uuid4().hex,
                    self.at_ms,
                    msgspec.json.encode(report),
                )
                for report in reports
            ],
            UNLIMITED,
            "",
        )
        done = drain.drain(self._bench, SCOPE, PROJECT, seconds=20.0)
        assert (done.events, done.failed) == (len(reports), 0)


@pytest.fixture
def sender(redis: Redis, bench: Bench) -> Sender:
    """Return a sender to the project."""
    return Sender(redis, bench)


def session(visit: str, user: str = "", release: str = "web@1", **counts: int) -> SessionReport:
    """Return an update of a session."""
    return SessionReport(
        timestamp="2026-11-25T02:00:00Z", release=release, visit=visit, user=user, **counts
    )


def test_sessions_are_counted_by_release(sender: Sender, redis: Redis, settings: Settings) -> None:
    """Ten sessions of five users, two crashed; another release took the rest."""
    for number in range(10):
        sender.send(session(f"v{number}", f"u{number % 5}", started=1))
    sender.send(session("v0", "u0", errored=1))
    sender.send(session("v0", "u0", errored=1, crashed=1), session("v5", "u0", crashed=1))
    sender.send(session("", release="web@2", started=30))
    sender.send(ErrorReport(timestamp="t", message="boom", level="error", release="web@1"))
    other, one = sorted(
        releases_view.newest(redis, SCOPE, sender.at_ms, 10), key=lambda each: each.sessions
    )[::-1]
    assert (one.release, one.sessions, one.crashed, one.errored) == ("web@1", 10, 2, 1)
    assert (one.users, one.crashed_users, one.events) == (5, 1, 1)
    assert (one.crash_free_sessions, one.crash_free_users) == (0.8, 0.8)
    assert (one.adoption, one.sessions_24h) == (0.25, 10)
    assert (other.adoption, other.crash_free_users) == (0.75, None)
    days = releases_view.days(redis, SCOPE, sender.at_ms, "web@1")
    assert (days[0].users, days[0].crashed_users, len(days)) == (5, 1, 7)
    assert counters.read(redis, SCOPE, [clock.day(sender.at_ms)])["sessions"] == 40
    assert len(archived(settings, "sessions")) == 14


def test_an_id_survives_the_scrubbing(sender: Sender, redis: Redis, settings: Settings) -> None:
    """A session's id is no secret cookie: sessions that erred are told apart by it."""
    for number in range(5):
        sender.send(session(uuid.uuid5(uuid.NAMESPACE_URL, str(number)).hex, errored=1))
    [seen] = releases_view.newest(redis, SCOPE, sender.at_ms, 10)
    assert seen.errored == 5
    assert not any(b"Filtered" in line for line in archived(settings, "sessions"))


def test_adoption_is_of_the_last_day(sender: Sender, redis: Redis) -> None:
    """What an old release had the day before is no adoption now."""
    now_ms = sender.at_ms
    sender.at_ms = now_ms - 26 * 3_600_000
    sender.send(session("", release="web@0", started=1_000))
    sender.at_ms = now_ms
    sender.send(session("", release="web@1", started=10))
    new, old = releases_view.newest(redis, SCOPE, now_ms, 10)
    assert (new.release, new.adoption) == ("web@1", 1.0)
    assert (old.release, old.adoption, old.sessions) == ("web@0", 0.0, 1_000)


def test_releases_are_bounded(
    sender: Sender, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of names counts among the others; trimmed, the newest keep their places."""
    monkeypatch.setattr(release_store, "MOST_RELEASES", 5)
    for number in range(15):
        sender.at_ms += 1
        sender.send(session("v", "u", release=f"r{number}", started=1))
    assert redis.zcard(keys.recent_releases(SCOPE)) == 11
    others = releases_view.one(redis, SCOPE, sender.at_ms, "(other)")
    assert others is not None
    assert others.sessions == 5
    assert release_store.trim(redis, SCOPE, sender.at_ms, 3) == 8
    names = {each.release for each in releases_view.newest(redis, SCOPE, sender.at_ms, 10)}
    assert names == {"(other)", "r9", "r8"}
    assert not redis.keys("*release*r1*")


@pytest.mark.parametrize(
    "name", ["a:users:2026-11-25", "{p2}:x", "\x00\x1b[2J", "é" * 200, "users", "(other)"]
)
def test_any_name_is_a_release(sender: Sender, redis: Redis, name: str) -> None:
    """Names come from outside; none of them meets another key."""
    sender.send(session("v", "u", release="users:2026-11-25:a", started=1))
    sender.send(session("v", "u", release=name, started=1, errored=1, crashed=1))
    sender.send(session("v", "u", release="a", started=1))
    seen = releases_view.one(redis, SCOPE, sender.at_ms, name)
    assert seen is not None
    assert (seen.sessions, seen.users, seen.crash_free_sessions) == (1, 1, 0.0)


def envelope(*items: tuple[str, dict[str, Any]]) -> bytes:
    """Return an envelope as SDKs send it: item types with their payloads."""
    lines: list[dict[str, Any]] = [{}]
    for kind, payload in items:
        lines += [{"type": kind}, payload]
    return b"\n".join(map(msgspec.json.encode, lines))


def test_from_the_sdks_envelopes(redis: Redis, bench: Bench, settings: Settings) -> None:
    """A browser's session in three updates, a server's sums, a check-in and drops, by the door."""
    client = create_app(settings).test_client()
    attrs = {"release": "web@1.4.2", "environment": "production"}
    sid = uuid.uuid4().hex
    update = {"sid": sid, "did": "u1", "started": "2026-11-25T02:00:00Z", "attrs": attrs}
    sums = {"started": "2026-11-25T02:00:00Z", "exited": 90, "errored": 8, "crashed": 2}
    discarded = {"reason": "before_send", "category": "error", "quantity": 3}
    for body in (
        envelope(("session", {**update, "init": True, "status": "ok", "errors": 0, "seq": 1})),
        envelope(("session", {**update, "status": "ok", "errors": 1, "seq": 2})),
        envelope(("session", {**update, "status": "crashed", "errors": 2, "seq": 3})),
        envelope(("sessions", {"aggregates": [sums], "attrs": {"release": "api@3"}})),
        envelope(("check_in", {"monitor_slug": "nightly", "status": "error"})),
        envelope(("client_report", {"timestamp": 1, "discarded_events": [discarded]})),
    ):
        answer = client.post(f"/api/1/envelope/?sentry_key={WEB_KEY}", data=body)
        assert answer.status_code == 200, answer.get_json()
    assert drain.drain(bench, SCOPE, PROJECT, seconds=20.0).failed == 0
    now_ms = clock.now_ms()
    web = releases_view.one(redis, SCOPE, now_ms, "web@1.4.2")
    api = releases_view.one(redis, SCOPE, now_ms, "api@3")
    assert web is not None
    assert api is not None
    assert (web.sessions, web.errored, web.crashed, web.users) == (1, 1, 1, 1)
    assert (web.crash_free_sessions, web.crash_free_users) == (0.0, 0.0)
    assert (api.sessions, api.errored, api.crashed, api.crash_free_sessions) == (100, 10, 2, 0.98)
    assert [(seen.monitor, seen.status) for seen in monitors_view.every(redis, SCOPE)] == [
        ("nightly", "error")
    ]
    assert client_drops.read(redis, SCOPE) == {("before_send", "error"): 3}


def check_in(status: str, monitor: str = "nightly", **more: Any) -> CheckInReport:
    """Return a check-in."""
    return CheckInReport(timestamp="t", monitor=monitor, status=status, **more)


def test_a_check_in_that_failed_is_told(sender: Sender, redis: Redis) -> None:
    """The monitor is kept with its schedule; each failure is a finding of its own key."""
    config = {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Vienna"}
    sender.send(check_in("in_progress", check_in="a", config=config))
    sender.at_ms += 2_500
    sender.send(check_in("ok", check_in="a"))
    assert findings.read(redis, SCOPE) == []
    sender.at_ms += 86_400_000
    sender.send(check_in("error", duration_seconds=12.5))
    [(_, told)] = findings.read(redis, SCOPE)
    assert (told.key, told.severity.value) == ("check-in-failed:nightly", "high")
    [seen] = monitors_view.every(redis, SCOPE)
    assert (seen.status, seen.schedule) == ("error", "0 3 * * * Europe/Vienna")
    assert seen.last_ok == clock.rfc3339(sender.at_ms - 86_400_000)
    assert seen.duration_seconds == 12.5
    assert seen.config == config


def test_drops_are_counted_by_known_names(sender: Sender, redis: Redis) -> None:
    """A stranger's names make no counters of their own, and no number of his overflows one."""

    def drop(reason: str, category: str, quantity: int) -> DropReport:
        return DropReport(timestamp="t", reason=reason, category=category, quantity=quantity)

    sender.send(
        drop("network_error", "error", 3),
        drop("network_error", "error", 4),
        drop("x" * 100, "session", 1),
        drop("y", "z", 10**18),
        drop("sample_rate", "transaction", -5),
    )
    assert client_drops.read(redis, SCOPE) == {
        ("network_error", "error"): 7,
        ("other", "session"): 1,
        ("other", "other"): 1_000_000,
    }
    today = counters.read(redis, SCOPE, [clock.day(sender.at_ms)])
    assert {name for name in today if name.startswith("dropped.")} == {
        "dropped.network_error.error",
        "dropped.other.session",
        "dropped.other.other",
    }


def _add_and_replace(rebuild: Rebuild) -> tuple[Any, Any]:
    return rebuild.add, rebuild.replace


def seen(redis: Redis, now_ms: int) -> tuple[object, ...]:
    """Return all that is kept beside issues."""
    releases = releases_view.newest(redis, SCOPE, now_ms, 100)
    days = [releases_view.days(redis, SCOPE, now_ms, each.release) for each in releases]
    return releases, days, monitors_view.every(redis, SCOPE), client_drops.read(redis, SCOPE)


def test_a_rebuild_finds_the_same(sender: Sender, redis: Redis, settings: Settings) -> None:
    """From the archive alone: the same releases, people, monitors and drops, and no more."""
    for number in range(20):
        sender.send(
            session(f"v{number}", f"u{number % 7}", started=1, crashed=int(number % 5 == 0)),
            session("", release="api@3", started=10, errored=2),
            ErrorReport(timestamp="t", message="boom", level="error", release="web@1"),
            check_in("ok" if number % 3 else "error", f"job-{number % 4}"),
            DropReport(timestamp="t", reason="sample_rate", category="error", quantity=number),
        )
    before = seen(redis, sender.at_ms)
    redis.delete(keys.recent_releases(SCOPE), keys.monitors(SCOPE))
    redis.hset(keys.release(SCOPE, "web@1"), "sessions", 99_999)
    redis.hset(keys.release(SCOPE, "gone@1"), "sessions", 1)
    redis.hset(keys.client_drops(SCOPE), "other other", 5)
    redis.set(keys.release(keys.staged(SCOPE), "killed@1"), "left by a rebuild that was killed")
    reindex.reindex(
        redis,
        settings,
        sender.at_ms,
        lambda *_: None,
        other=lambda scope: Other(*_add_and_replace(Rebuild(redis, scope))),
    )
    assert seen(redis, sender.at_ms) == before
    assert not redis.exists(keys.release(SCOPE, "gone@1"))
    assert not redis.keys("*rebuilt*")


def test_silent_monitors_make_room(sender: Sender, redis: Redis) -> None:
    """What was not heard of for the retention's time is forgotten; the others stay."""
    sender.send(check_in("ok", "old"))
    sender.at_ms += 1_000
    sender.send(check_in("ok", "new", environment="prod"))
    assert monitor_store.forget(redis, SCOPE, sender.at_ms) == 1
    assert [seen.monitor for seen in monitors_view.every(redis, SCOPE)] == ["new"]
    assert monitor_store.room(redis, SCOPE) == monitors.MOST_MONITORS - 1
