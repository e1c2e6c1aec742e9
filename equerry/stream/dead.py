"""Dead letters: events that no delivery could process, kept until a person decides."""

import logging
from collections.abc import Iterator, Sequence

from equerry import keys
from equerry.events import scrub
from equerry.redis_client import Redis
from equerry.stream.entry import Entry, from_fields
from equerry.stream.removal import remove

log = logging.getLogger(__name__)

READ_AT_ONCE = 100

# One script, so that of two who retry the same letter one does, and a kill moves it or leaves it.
_RETRY = """
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields, size = {}, 0
for at = 1, #found[1][2], 2 do
  local name, value = found[1][2][at], found[1][2][at + 1]
  if name == 'd' then size = #value end
  if name ~= 'n' then
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('INCRBY', KEYS[3], size)
return redis.call('XDEL', KEYS[1], ARGV[1])
"""


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
    remove(
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


def letters(redis: Redis, scope: str) -> Iterator[Entry]:
    """Yield a scope's dead letters, oldest first; stream_id is their place among the dead."""
    after = "-"
    while rows := redis.xrange(keys.dead(scope), after, count=READ_AT_ONCE):
        for stream_id, fields in rows:
            yield from_fields(stream_id, fields, int(fields[b"n"]))
        after = f"({rows[-1][0].decode()}"


def count(redis: Redis, scope: str) -> int:
    """Return how many there are."""
    return int(redis.xlen(keys.dead(scope)))


def holds(redis: Redis, scope: str, stream_id: str) -> bool:
    """Whether a letter of this id lies in the scope."""
    return bool(redis.xrange(keys.dead(scope), stream_id, stream_id))


def retry(redis: Redis, scope: str, stream_id: str) -> bool:
    """Move a letter to the end of the events' stream, in one step; False where it is gone.

    It is a new entry there, with all its deliveries before it; its event keeps id and time.
    """
    names = (keys.dead(scope), keys.events(scope), keys.events_bytes(scope))
    return bool(redis.eval(_RETRY, len(names), *names, stream_id))


def drop(redis: Redis, scope: str, stream_id: str) -> bool:
    """Delete a letter for good; False where it is gone."""
    return bool(redis.xdel(keys.dead(scope), stream_id))
