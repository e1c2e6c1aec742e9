"""What tests of the pipeline do to it: put in what no door lets through, kill, read what came."""

import uuid
from collections.abc import Callable
from pathlib import Path

from equerry.archive import read
from equerry.redis_client import Redis
from equerry.settings import Queue, Settings
from equerry.stream.door import UNLIMITED, Door
from equerry.stream.entry import Entry
from workers.pipeline.batch import Bench

MakeBench = Callable[[], Bench]
Post = Callable[..., list[str]]


def die(bench: Bench) -> None:
    """End a bench as a kill would: its lock is free, what it had claimed stays claimed."""
    consumer = bench.consumer
    bench.writer.close()
    consumer._slots.release(int(consumer.name.rpartition("-")[2]))


def post_raw(redis: Redis, data: bytes, kind: str = "errors") -> str:
    """Append bytes that the door would never let through."""
    entry = Entry(b"", kind, uuid.uuid4().hex, 1_700_000_000_000, data)
    Door(redis, Queue()).append("p1", [entry], UNLIMITED, "")
    return entry.id


def archived(settings: Settings, kind: str = "errors") -> list[bytes]:
    """Return every whole line of a kind."""
    root: Path = settings.data_path / "archive"
    return [line for segment in read.segments(root, kind) for line in read.whole_lines(segment)]
