"""The least that could be done with the same bytes: parse, hash, write. It keeps no promise.

No event twice in the file after a kill? Not here: there is no index, no transaction, no takeover,
no scrub, no issue, no alert. Same client, same batch size, one write and one fsync a batch.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from bench import child, events
from equerry import keys
from equerry.redis_client import connect
from equerry.stream.consumer import MAX_EVENTS
from workers import process

GROUP = "bare"


def _write(descriptor: int, raws: Iterable[bytes]) -> None:
    lines = []
    for raw in raws:
        msgspec.json.decode(raw)
        digest = hashlib.sha256(raw).hexdigest()
        lines.append(b'{"hash":"%b",%b\n' % (digest.encode(), raw[1:]))
    os.write(descriptor, b"".join(lines))
    os.fsync(descriptor)


def from_stream(redis: Any, scope: str, descriptor: int) -> int:  # noqa: ANN401, redis-py
    """XREADGROUP, write, XACK and XDEL in one round trip, until the stream is empty."""
    stream, done = keys.events(scope), 0
    redis.xgroup_create(stream, GROUP, id="0")
    while True:
        reply = redis.execute_command(
            "XREADGROUP", "GROUP", GROUP, "bare", "COUNT", MAX_EVENTS, "STREAMS", stream, ">"
        )
        if not reply:
            return done
        entries = reply[0][1]
        _write(descriptor, (fields[b"d"] for _, fields in entries))
        ids = [stream_id for stream_id, _ in entries]
        pipe = redis.pipeline(transaction=False)
        pipe.xack(stream, GROUP, *ids)
        pipe.xdel(stream, *ids)
        pipe.execute()
        done += len(ids)


def from_memory(pool: list[bytes], count: int, descriptor: int) -> int:
    """Do the same without Redis."""
    for start in range(0, count, MAX_EVENTS):
        size = min(MAX_EVENTS, count - start)
        _write(descriptor, (pool[(start + number) % len(pool)] for number in range(size)))
    return count


def main() -> None:
    """Answer `{"scope"}` from the stream, `{"count"}` from memory."""
    settings = process.settings()
    redis = connect(settings.redis_url)
    pool = events.raws()
    path = Path(settings.data_dir) / "bare.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def handle(command: child.Answer) -> child.Answer:
        if "scope" in command:
            return child.timed(lambda: from_stream(redis, command["scope"], descriptor))
        return child.timed(lambda: from_memory(pool, command["count"], descriptor))

    child.serve(handle)


if __name__ == "__main__":
    main()
