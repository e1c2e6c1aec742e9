"""What the parts say: nothing is fine while a piece of the work is done by nobody."""

from collections.abc import Callable

import msgspec
import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from equerry import clock, keys
from equerry.alert_settings import Alerts, Slack
from equerry.alerts import channel_state, outbox
from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.health import deliveries, parts
from equerry.health.lookout import Lookout
from equerry.health.part import Part, Status
from equerry.redis_client import Redis
from equerry.settings import Project, Queue, Settings

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


class Hanging:
    """A Redis that times out whatever it is asked, and counts."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Callable[..., object]:
        """Return a command."""

        def command(*_arguments: object, **_more: object) -> object:
            self.asked += 1
            raise RedisTimeoutError(name)

        return command


def test_one_time_out_is_enough(settings: Settings) -> None:
    """After the first the others are unknown unasked, for everybody who asks within a second."""
    redis, now = Hanging(), [5.0]
    lookout = Lookout(redis, settings, lambda: now[0])
    for _ in range(3):
        seen = lookout.look(NOW_MS)
    assert redis.asked == 1
    assert not seen.answers
    assert seen.parts["redis"].status is Status.FAIL
    assert {seen.parts[name].status for name in parts.IN_REDIS} == {Status.FAIL, Status.UNKNOWN}
    now[0] += 1.1
    lookout.look(NOW_MS)
    assert redis.asked == 2


def test_a_part_that_cannot_be_read_does_not_hide_the_others(
    redis: Redis, settings: Settings
) -> None:
    """A key of the wrong type is one part's trouble; Redis is there."""
    redis.set(keys.channels(), b"no hash")
    seen = Lookout(redis, settings).look(clock.now_ms())
    assert seen.parts["outbox"].status is Status.UNKNOWN
    assert seen.parts["dead_letters"].status is Status.OK


@pytest.mark.parametrize(
    ("alive", "status", "said"),
    [
        (["worker@a", "jobs@a"], Status.OK, ""),
        (["worker@a", "worker@b", "jobs@b"], Status.OK, ""),
        (["jobs@a"], Status.FAIL, "no `worker` is alive"),
        (["worker@a"], Status.FAIL, "no `jobs` is alive"),
        (["other@a"], Status.FAIL, "no `jobs` is alive"),
        ([], Status.FAIL, "no `worker` is alive"),
    ],
)
def test_roles(
    redis: Redis, settings: Settings, alive: list[str], status: Status, said: str
) -> None:
    """Each role does what the others do not; which one is missing is said."""
    redis.zadd(keys.workers(), {"worker@gone": NOW_MS - 60_000, "jobs@gone": NOW_MS - 60_000})
    for name in alive:
        redis.zadd(keys.workers(), {name: NOW_MS - 1_000})
    part = parts.IN_REDIS["workers"](redis, settings, NOW_MS)
    assert part.status is status
    assert said in part.problem
    assert part.value["worker_alive"] == sum(name.startswith("worker@") for name in alive)


def notification(due_ms: int, created_ms: int = NOW_MS) -> Notification:
    """Return a row of the outbox."""
    finding = Finding("r", "k", Severity.HIGH, "t", NOW_MS)
    return Notification(f"{due_ms:032x}", "p1", "slack", (finding,), created_ms, due_ms)


@pytest.mark.parametrize(
    ("due_seconds_ago", "status"),
    [(-60, Status.OK), (1, Status.OK), (119, Status.OK), (121, Status.FAIL)],
)
def test_nobody_sends(
    redis: Redis, settings: Settings, due_seconds_ago: int, status: Status
) -> None:
    """A row that stays due is taken by nobody."""
    outbox.put(redis, [notification(NOW_MS - due_seconds_ago * 1000)])
    assert deliveries.outbox(redis, settings, NOW_MS).status is status


def test_a_row_that_is_being_sent_is_not_overdue(redis: Redis, settings: Settings) -> None:
    """The lease moves it ahead, however long it was due."""
    row = notification(NOW_MS - HOUR_MS)
    outbox.put(redis, [row])
    outbox.claim(redis, "p1", row.id, NOW_MS)
    assert deliveries.outbox(redis, settings, NOW_MS).status is Status.OK


def test_given_up(redis: Redis, settings: Settings) -> None:
    """Warns for a day after the last try, however long it was tried; says what to do."""
    outbox.give_up(redis, notification(NOW_MS - 25 * HOUR_MS, NOW_MS - 49 * HOUR_MS))
    assert deliveries.outbox(redis, settings, NOW_MS).status is Status.OK
    outbox.give_up(redis, notification(NOW_MS - HOUR_MS, NOW_MS - 25 * HOUR_MS))
    part = deliveries.outbox(redis, settings, NOW_MS)
    assert (part.status, part.value["given_up"]) == (Status.WARN, 1)
    assert "equerry alert test --channel slack" in part.problem


def test_a_disabled_channel_counts_until_its_setting_changes(
    redis: Redis, settings: Settings
) -> None:
    """The row is of one address: with another one there is nothing to warn of."""

    def with_slack(url: str) -> Settings:
        return msgspec.structs.replace(settings, alerts=Alerts(slack=Slack(webhook_url=url)))

    refused = with_slack("https://a.test")
    target = channel_state.digest(refused.alerts.slack)
    assert deliveries.digest(refused.alerts.slack) == target
    channel_state.disable(redis, "slack", channel_state.Disabled(NOW_MS, "410 gone", target))
    part = deliveries.outbox(redis, refused, NOW_MS)
    assert part.status is Status.WARN
    assert "slack (410 gone)" in part.problem
    assert deliveries.outbox(redis, with_slack("https://b.test"), NOW_MS).status is Status.OK


def stream(redis: Redis, settings: Settings) -> Part:
    """Look at the stream."""
    return parts.IN_REDIS["stream"](redis, settings, clock.now_ms())


def test_a_project_that_left_the_settings(redis: Redis, settings: Settings) -> None:
    """Its accepted events are named until they are drained."""
    both = (*settings.projects, Project(id=7, slug="old", key="k" * 32))
    parts.remember_scopes(redis, msgspec.structs.replace(settings, projects=both))
    assert stream(redis, settings).status is Status.OK
    redis.xadd(keys.events("p7"), {"k": "errors"})
    part = stream(redis, settings)
    assert (part.status, part.value["left_behind"]) == (Status.WARN, "7")
    redis.xtrim(keys.events("p7"), maxlen=0)
    assert stream(redis, settings).status is Status.OK


def test_a_queue_is_full_by_its_own_limit(redis: Redis, settings: Settings) -> None:
    """The limit is each project's: three that are half full are not one that is over it."""
    projects = tuple(Project(id=n, slug=f"w{n}", key="k" * 32) for n in (1, 2, 3))
    three = msgspec.structs.replace(settings, projects=projects, queue=Queue(max_events=10))
    for number in (1, 2, 3):
        for _ in range(5):
            redis.xadd(keys.events(f"p{number}"), {"k": "errors"})
    assert stream(redis, three).status is Status.OK
    for _ in range(4):
        redis.xadd(keys.events("p2"), {"k": "errors"})
    part = stream(redis, three)
    assert (part.status, part.problem) == (Status.WARN, "the queue is 90% full")
