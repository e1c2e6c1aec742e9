"""A bench to drain at, and a way to put events into the stream."""

from collections.abc import Iterator

import pytest
from pipeline_bench import MakeBench, Post

from equerry.archive.segment import Writer
from equerry.events import intake
from equerry.events.severity import RuleTable
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.slots import Slots
from equerry.source_maps.maps import Maps
from equerry.stream.consumer import Consumer
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from workers.pipeline.batch import Bench
from workers.pipeline.stages import Tools


@pytest.fixture
def make_bench(redis: Redis, settings: Settings) -> Iterator[MakeBench]:
    """Return benches, each as another process would have it."""
    made: list[tuple[Slots, int]] = []

    def make() -> Bench:
        slots = Slots(settings.data_path / "consumers")
        consumer = Consumer(redis, slots, "node")
        made.append((slots, int(consumer.name.rpartition("-")[2])))
        root = settings.data_path / "archive"
        return Bench(
            settings,
            redis,
            consumer,
            Writer(root, consumer.name),
            Tools(RuleTable(settings.severity.rules), Maps(settings.data_path)),
        )

    yield make
    for slots, number in made:
        if number in slots._held:
            slots.release(number)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """Return one bench."""
    return make_bench()


@pytest.fixture
def post(redis: Redis) -> Post:
    """Append errors through the door; returns their ids."""
    door = Door(redis, Queue())

    def append(*messages: str, **fields: object) -> list[str]:
        sender = intake.Sender("test", "")
        got = intake.errors([{"message": text, **fields} for text in messages], sender, 1)
        assert not got.causes
        entries = [Entry(b"", e.kind, e.id, 1_700_000_000_000, e.raw) for e in got.accepted]
        door.append("p1", entries, UNLIMITED, "")
        return [entry.id for entry in entries]

    return append
