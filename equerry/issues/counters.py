"""A project's counters in Redis, by minute, hour and day."""

from collections import Counter
from collections.abc import Iterable, Mapping

from equerry import clock, keys
from equerry.redis_client import Pipeline, Redis

# How long a bucket is kept, by the length of its name: minutes 25 h, hours 35 days, days 13 months.
_KEEP_SECONDS = {
    len("2026-11-23T15:04"): 25 * 3600,
    len("2026-11-23T15"): 35 * 86_400,
    len("2026-11-23"): 400 * 86_400,
}


def expires_at(bucket: str) -> int:
    """Return when a bucket's counters are forgotten, epoch seconds."""
    return clock.bucket_start(bucket) + _KEEP_SECONDS[len(bucket)]


def write(pipe: Pipeline, scope: str, counts: Mapping[str, Counter[str]]) -> None:
    """Queue the commands that add them."""
    for bucket, counter in counts.items():
        key = keys.counts(scope, bucket)
        for field, number in counter.items():
            if number:
                pipe.hincrby(key, field, number)
        pipe.expireat(key, expires_at(bucket))


def read(redis: Redis, scope: str, buckets: Iterable[str]) -> dict[str, int]:
    """Return the counters added up over the buckets."""
    pipe = redis.pipeline(transaction=False)
    for bucket in buckets:
        pipe.hgetall(keys.counts(scope, bucket))
    total: dict[str, int] = {}
    for fields in pipe.execute():
        for field, number in fields.items():
            name = field.decode()
            total[name] = total.get(name, 0) + int(number)
    return total
