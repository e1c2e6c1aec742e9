"""The last stage: a batch is written to the archive, and then has its one effect on the index."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from equerry import keys
from equerry.archive import line as lines
from equerry.archive.segment import Writer
from equerry.events.event import Event
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.issues import index, rules
from equerry.issues.tally import Tally, tally
from equerry.redis_client import Redis
from equerry.stream import findings
from equerry.stream.removal import remove

# Findings of one batch beyond this are left out and said so: a flood of new issues is one cause.
MAX_FINDINGS = 100


class Claim(NamedTuple):
    """Whose events they are: a consumer's, of this scope."""

    scope: str
    consumer: str


def archive(
    writer: Writer, events: Sequence[Event], written: Collection[bytes], now_ms: int
) -> None:
    """Append the events' lines and fsync; skip what stands in `written` already.

    Raises ArchiveFull, and then nothing was written.
    """
    by_kind: dict[str, list[bytes]] = {}
    for event in events:
        if written and event.stream_id.encode() in written:
            continue
        by_kind.setdefault(event.kind, []).append(lines.encode(event))
    if by_kind:
        writer.append(by_kind, now_ms)


def commit(
    redis: Redis, claim: Claim, project: str, events: Sequence[Event], sizes: int, floor: Severity
) -> int:
    """Write counters, issues and findings, and take the events off the stream, in one transaction.

    sizes: bytes of payload as they came. floor: the least severity of a new issue that is told.
    Returns the number of findings. Raises WatchError where the events were taken over meanwhile: a
    transaction that is held up on its way must not count them a second time.
    """
    scope = claim.scope
    added = tally(events)
    with redis.pipeline(transaction=True) as pipe:
        pipe.watch(keys.fence(scope, claim.consumer))
        known = index.severities(pipe, scope, added.issues)
        told = _findings(added, known, floor, project)
        pipe.multi()
        index.write(pipe, scope, added, known)
        findings.put(pipe, scope, told)
        remove(pipe, scope, [event.stream_id for event in events], sizes)
        pipe.execute()
    return len(told)


def _findings(
    added: Tally, known: dict[str, Severity], floor: Severity, project: str
) -> list[Finding]:
    found = [
        rules.finding(fingerprint, delta, known.get(fingerprint), floor, project)
        for fingerprint, delta in added.issues.items()
    ]
    told = [finding for finding in found if finding is not None]
    told.sort(key=lambda finding: -finding.severity.rank)
    return told[:MAX_FINDINGS]
