"""The last stage: a batch is written to the archive, and then has its one effect on the index."""

import contextlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from redis.exceptions import WatchError

from equerry import keys
from equerry.alert_settings import Alerts
from equerry.archive import line as lines
from equerry.archive.segment import Writer
from equerry.events.event import Event
from equerry.health import signals
from equerry.health.signals import Signals
from equerry.issues import index
from equerry.issues.lookup import look_up
from equerry.issues.plan import Policy, plan
from equerry.issues.tally import Tally, tally
from equerry.redis_client import Pipeline, Redis
from equerry.stream import findings
from equerry.stream.removal import remove


class Claim(NamedTuple):
    """Whose events they are: a consumer's, of this scope, under its fence as it stood then."""

    scope: str
    consumer: str
    fence: bytes | None


class Effect(NamedTuple):
    """What events add to the index, whatever it holds already."""

    events: Sequence[Event]
    tally: Tally
    signals: Signals


def effect(events: Sequence[Event]) -> Effect:
    """Return what the events add. Pure, and done before anything of them is written."""
    return Effect(events, tally(events), signals.of(events))


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
    redis: Redis, claim: Claim, project: str, effect: Effect, sizes: int, alerts: Alerts
) -> int:
    """Write what the events add, and take them off the stream, in one transaction.

    sizes: bytes of payload as they came. alerts: which issues are told, and how often.
    What others write to the same issues meanwhile, people or workers, makes it look again: each
    such turn is one in which another came through. Returns the number of findings. Raises
    WatchError where the events were taken over meanwhile: a transaction that is held up on its way
    must not count them a second time.
    """
    events, added, said = effect
    policy = Policy(project, alerts.new_issue, int(alerts.repeat_seconds * 1000))
    while True:
        with contextlib.suppress(WatchError), redis.pipeline(transaction=True) as pipe:
            if not _holds(pipe, claim, added, said):
                break
            known = look_up(redis, claim.scope, added.issues)
            made = plan(added, known, policy)
            heard = signals.look(pipe, claim.scope, said, project)
            told = (*made.findings, *heard.findings)
            pipe.multi()
            index.write(pipe, claim.scope, added, made)
            signals.write(pipe, claim.scope, said, heard)
            findings.put(pipe, claim.scope, told)
            remove(pipe, claim.scope, [event.stream_id for event in events], sizes)
            pipe.execute()
            return len(told)
    raise WatchError("these events were taken over")


def _holds(pipe: Pipeline, claim: Claim, added: Tally, said: Signals) -> bool:
    """Watch what the transaction hangs on; whether the events are still the claim's."""
    fence = keys.fence(claim.scope, claim.consumer)
    issues = index.watched(claim.scope) if added.issues else ()
    pipe.watch(fence, *issues, *signals.watched(claim.scope, said))
    return bool(pipe.get(fence) == claim.fence)
