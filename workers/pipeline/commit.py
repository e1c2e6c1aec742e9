"""The last stage: a batch is written to the archive, and then has its one effect on the index."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from redis.exceptions import WatchError

from equerry import keys
from equerry.archive import line as lines
from equerry.archive.segment import Writer
from equerry.events.event import Event
from equerry.finding import Finding
from equerry.issues import index, rules
from equerry.issues.rules import Known
from equerry.issues.tally import Tally, tally
from equerry.redis_client import Redis
from equerry.settings import Alerts
from equerry.stream import findings
from equerry.stream.removal import remove


class Claim(NamedTuple):
    """Whose events they are: a consumer's, of this scope, under its fence as it stood then."""

    scope: str
    consumer: str
    fence: bytes | None


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
    redis: Redis, claim: Claim, project: str, events: Sequence[Event], sizes: int, alerts: Alerts
) -> int:
    """Write counters, issues and findings, and take the events off the stream, in one transaction.

    sizes: bytes of payload as they came. alerts: which issues are told, and how often.
    Returns the number of findings. Raises WatchError where the events were taken over meanwhile: a
    transaction that is held up on its way must not count them a second time.
    """
    scope = claim.scope
    added = tally(events)
    with redis.pipeline(transaction=True) as pipe:
        fence = keys.fence(scope, claim.consumer)
        pipe.watch(fence)
        if pipe.get(fence) != claim.fence:
            raise WatchError("these events were taken over")
        known = index.known(pipe, scope, added.issues)
        told = to_tell(added, known, alerts, project)
        pipe.multi()
        index.write(pipe, scope, added, known, {name: added.issues[name].last_ms for name in told})
        findings.put(pipe, scope, told.values())
        remove(pipe, scope, [event.stream_id for event in events], sizes)
        pipe.execute()
    return len(told)


def to_tell(
    added: Tally, known: Mapping[str, Known], alerts: Alerts, project: str
) -> dict[str, Finding]:
    """Return the findings by fingerprint, the most severe first: they lead their groups."""
    found = {
        fingerprint: rules.finding(
            fingerprint,
            delta,
            known.get(fingerprint),
            floor=alerts.new_issue,
            repeat_ms=int(alerts.repeat_seconds * 1000),
            project=project,
        )
        for fingerprint, delta in added.issues.items()
    }
    told = {name: finding for name, finding in found.items() if finding is not None}
    return dict(sorted(told.items(), key=lambda item: -item[1].severity.rank))
