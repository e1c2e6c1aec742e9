"""Dead letters: events that no delivery could process, kept until a person decides."""

import logging
from collections.abc import Sequence

from equerry import keys
from equerry.events import scrub
from equerry.redis_client import Redis
from equerry.stream.entry import Entry
from workers.pipeline import commit

log = logging.getLogger(__name__)


def bury(redis: Redis, scope: str, entries: Sequence[Entry]) -> None:
    """Move the entries from the stream to the dead letters in one transaction, scrubbed.

    An event that cannot be scrubbed as JSON is scrubbed as text: no secret is written here either.
    """
    if not entries:
        return
    pipe = redis.pipeline(transaction=True)
    for entry in entries:
        fields = {
            "k": entry.kind,
            "i": bytes.fromhex(entry.id),
            "r": entry.received_ms,
            "d": _scrubbed(entry.data),
            "n": entry.deliveries,
        }
        pipe.xadd(keys.dead(scope), fields)
    commit.remove(
        pipe,
        scope,
        [entry.stream_id for entry in entries],
        sum(len(entry.data) for entry in entries),
    )
    pipe.execute()
    log.error("events-dead", extra={"scope": scope, "events": len(entries)})


def _scrubbed(data: bytes) -> bytes:
    try:
        return scrub.scrub(data)
    except Exception:  # noqa: BLE001, whatever it was that the event breaks
        return scrub.blunt(data)
