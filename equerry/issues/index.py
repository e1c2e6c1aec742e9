"""The index in Redis: counters by minute, hour and day, and one hash per issue."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from equerry import clock, keys
from equerry.events.severity import Severity
from equerry.issues.rules import Known
from equerry.issues.tally import IssueDelta, Tally
from equerry.redis_client import Pipeline, Redis

# How long a bucket is kept, by the length of its name: minutes 25 h, hours 35 days, days 13 months.
_KEEP_SECONDS = {
    len("2026-11-23T15:04"): 25 * 3600,
    len("2026-11-23T15"): 35 * 86_400,
    len("2026-11-23"): 400 * 86_400,
}


class Issue(msgspec.Struct, frozen=True):
    """An issue as the index has it. Times are epoch milliseconds."""

    fingerprint: str
    title: str
    severity: Severity
    count: int
    first_ms: int
    last_ms: int


def expires_at(bucket: str) -> int:
    """Return when a bucket's counters are forgotten, epoch seconds."""
    return clock.bucket_start(bucket) + _KEEP_SECONDS[len(bucket)]


def known(redis: Redis | Pipeline, scope: str, fingerprints: Iterable[str]) -> dict[str, Known]:
    """Return what is known of each fingerprint that was seen before."""
    asked = list(fingerprints)
    if not asked:
        return {}
    texts = redis.hmget(keys.known_issues(scope), asked)
    return {
        fingerprint: _known(text)
        for fingerprint, text in zip(asked, texts, strict=True)
        if text is not None
    }


def _known(text: bytes) -> Known:
    severity, told_ms = text.decode().split()
    return Known(Severity(severity), int(told_ms))


def write(
    pipe: Pipeline,
    scope: str,
    tally: Tally,
    known: Mapping[str, Known],
    told: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Queue the commands that add the tally.

    known: what `known` said of its issues. told: when those became findings that do so now.
    """
    for bucket, counter in tally.counts.items():
        key = keys.counts(scope, bucket)
        for field, number in counter.items():
            pipe.hincrby(key, field, number)
        pipe.expireat(key, expires_at(bucket))
    for fingerprint, delta in tally.issues.items():
        _write_issue(pipe, scope, fingerprint, delta, new=fingerprint not in known)
    changed = {
        fingerprint: f"{after.severity} {after.told_ms}"
        for fingerprint, delta in tally.issues.items()
        if (after := _after(delta, known.get(fingerprint), told.get(fingerprint)))
        != known.get(fingerprint)
    }
    if changed:
        pipe.hset(keys.known_issues(scope), mapping=changed)
    if tally.issues:
        last = {fingerprint: delta.last_ms for fingerprint, delta in tally.issues.items()}
        pipe.zadd(keys.issues(scope), last, gt=True)


def _after(delta: IssueDelta, before: Known | None, told_ms: int | None) -> Known:
    if before is None:
        return Known(delta.severity, told_ms or 0)
    worse = delta.severity.rank > before.severity.rank
    return Known(delta.severity if worse else before.severity, told_ms or before.told_ms)


def _write_issue(
    pipe: Pipeline, scope: str, fingerprint: str, delta: IssueDelta, *, new: bool
) -> None:
    key = keys.issue(scope, fingerprint)
    pipe.hincrby(key, "count", delta.count)
    if new:
        pipe.hsetnx(key, "first_ms", str(delta.first_ms))
        pipe.hsetnx(key, "title", delta.title)


def read(redis: Redis, scope: str, limit: int) -> list[Issue]:
    """Return the issues seen last, newest first."""
    rows = redis.zrevrange(keys.issues(scope), 0, limit - 1, withscores=True)
    names = [name.decode() for name, _ in rows]
    seen = known(redis, scope, names)
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.hgetall(keys.issue(scope, name))
    return [
        Issue(
            name,
            fields[b"title"].decode(),
            seen[name].severity,
            int(fields[b"count"]),
            int(fields[b"first_ms"]),
            int(last_ms),
        )
        for name, (_, last_ms), fields in zip(names, rows, pipe.execute(), strict=True)
        if name in seen and b"title" in fields  # forgotten in this moment
    ]


def counts(redis: Redis, scope: str, buckets: Iterable[str]) -> dict[str, int]:
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


def trim(redis: Redis, scope: str, before_ms: int, keep: int) -> int:
    """Forget issues last seen before then, and the oldest beyond `keep`. Returns how many."""
    names = redis.zrange(keys.issues(scope), "-inf", f"({before_ms}", byscore=True)
    names += redis.zrange(keys.issues(scope), 0, -(keep + 1))
    for start in range(0, len(names), 1000):
        some = names[start : start + 1000]
        pipe = redis.pipeline()
        pipe.zrem(keys.issues(scope), *some)
        pipe.hdel(keys.known_issues(scope), *some)
        pipe.unlink(*(keys.issue(scope, name.decode()) for name in some))
        pipe.execute()
    return len(set(names))


def clear(pipe: Pipeline, scope: str, existing: Iterable[bytes]) -> None:
    """Queue the removal of the whole index of a scope; existing: its keys, from `existing_keys`."""
    for key in existing:
        pipe.unlink(key)
    pipe.unlink(keys.issues(scope), keys.known_issues(scope))


def existing_keys(redis: Redis, scope: str) -> list[bytes]:
    """Return the keys of every counter bucket and issue of a scope."""
    patterns = (keys.counts(scope, "*"), keys.issue(scope, "*"))
    return [key for pattern in patterns for key in redis.scan_iter(pattern, count=1000)]
