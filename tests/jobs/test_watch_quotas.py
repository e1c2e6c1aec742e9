"""The job that tells of quotas, over a real door."""

import uuid

import msgspec

from equerry import clock, keys
from equerry.redis_client import Redis
from equerry.settings import Queue
from equerry.stream.door import Door, Rates, quotas
from equerry.stream.entry import Entry
from workers.jobs import watch_quotas
from workers.jobs.job import Context


def test_a_used_up_quota_is_told_once(context: Context, redis: Redis) -> None:
    """What the door refuses is a finding of that project, and not another one while it goes on."""
    [project] = context.settings.projects
    limited = msgspec.structs.replace(project, quota_per_day=10)
    settings = msgspec.structs.replace(context.settings, projects=(limited,))
    context = msgspec.structs.replace(context, settings=settings)
    door = Door(redis, Queue(), quotas(settings.projects))
    rates = Rates(0.0, 0.0, 0.0)

    def send(number: int) -> bool:
        sent = [Entry(b"", "errors", uuid.uuid4().hex, 1, b"{}") for _ in range(number)]
        return door.append("p1", sent, rates, "").ok

    def rules() -> list[str]:
        now = msgspec.structs.replace(context, now_ms=clock.now_ms())
        return [each.rule for each in watch_quotas.run(now).findings.get("p1", ())]

    assert send(7)
    assert rules() == []
    assert send(1)
    assert [rules(), rules()] == [["quota-nearly-used-up"], []]
    assert send(2)
    assert not send(1)
    assert [rules(), rules()] == [["quota-used-up"], []]
    assert watch_quotas.run(context).summary == {"web.day": 10}


def test_without_quotas_there_is_nothing_to_read(context: Context, redis: Redis) -> None:
    """A project without one is passed over."""
    redis.hset(keys.quotas_used_up("p1"), "quota-day", 1)
    outcome = watch_quotas.run(context)
    assert (outcome.summary, outcome.findings) == ({}, {})
