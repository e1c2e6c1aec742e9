"""What each worker process holds: made at its first task, after the fork, and kept."""

import contextlib
import functools
import os
import secrets
from pathlib import Path

from equerry import collector, keys, settings_file
from equerry.archive.segment import Writer
from equerry.durable import fsync
from equerry.events.severity import RuleTable
from equerry.redis_client import Redis, connect
from equerry.settings import Settings
from equerry.slots import Slots
from equerry.source_maps.maps import Maps
from equerry.stream.consumer import Consumer
from workers.pipeline.batch import Bench
from workers.pipeline.stages import Tools


@functools.cache
def settings() -> Settings:
    """Return the settings, read once per process."""
    return settings_file.load()


@functools.cache
def redis() -> Redis:
    """Return the process's connection; never used before a fork."""
    return connect(settings().redis_url)


@functools.cache
def bench() -> Bench:
    """Return what a drain works with; takes the process's place among the consumers."""
    collector.settle()  # walking through what is loaded took a third of a drain's time
    data = settings().data_path
    consumer = Consumer(redis(), Slots(data / "consumers"), node_name(data))
    return Bench(
        settings(),
        redis(),
        consumer,
        Writer(data / "archive", consumer.name),
        Tools(RuleTable(settings().severity.rules), Maps(data)),
    )


def node_name(data: Path) -> str:
    """Return this machine's name among the consumers, made once for its data directory.

    The name is written beside and linked into place, whole: whoever is killed meanwhile leaves no
    empty one, and of several processes that start at once the first one's name is everybody's.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data / "node"
    if path.exists() and not path.stat().st_size:
        path.unlink()  # left by a kill of an older version
    if not path.exists():
        fresh = data / f"node.{secrets.token_hex(4)}"
        fresh.write_text(f"n{secrets.token_hex(4)}", "ascii")
        fsync(fresh)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
        fsync(data)
    return path.read_text("ascii")


def scopes() -> dict[str, int]:
    """Return every scope with its project's id; 0 for the installation's own."""
    known = {keys.scope(project.id): project.id for project in settings().projects}
    return {**known, keys.SITE: 0}
