"""The stream of findings that nobody has decided on yet."""

from collections.abc import Iterable

import msgspec

from equerry import keys
from equerry.finding import Finding
from equerry.redis_client import Pipeline, Redis

READ_AT_ONCE = 200

_FINDING = msgspec.json.Decoder(Finding)


def put(pipe: Pipeline | Redis, scope: str, findings: Iterable[Finding]) -> None:
    """Add findings, or queue it where `pipe` is a pipeline."""
    for finding in findings:
        pipe.xadd(keys.findings(scope), {"f": msgspec.json.encode(finding)})


def read(redis: Redis | Pipeline, scope: str) -> list[tuple[bytes, Finding]]:
    """Return up to READ_AT_ONCE findings with their stream ids, oldest first."""
    rows = redis.xrange(keys.findings(scope), count=READ_AT_ONCE)
    return [(stream_id, _FINDING.decode(fields[b"f"])) for stream_id, fields in rows]


def remove(pipe: Pipeline, scope: str, stream_ids: list[bytes]) -> None:
    """Queue the end of findings that were decided on."""
    if stream_ids:
        pipe.xdel(keys.findings(scope), *stream_ids)
