"""The moment that a dump reads as of, which a server may stop holding while it is read."""

import threading

from bson import Timestamp

from equerry.backups import reading
from equerry.backups.listing import Found
from equerry.backups.manifest import Consistency, Kind
from equerry.backups.names import shown
from equerry.backups.server import Client, Server

NOT_WANTED = "no snapshot was wanted (--no-snapshot)"
LOST = (
    "the dump took longer than the server keeps a snapshot (minSnapshotHistoryWindowInSeconds,"
    " 300 s by default); what was read after that is newer"
)
CAPPED = "capped collections cannot be read from a snapshot: "
NOTHING = "there is nothing to take a snapshot of"


class Moment:
    """A snapshot's time, or the reason why there is none. Thread-safe.

    Losing it ends no dump: a backup that is of no one moment beats none, and says so.
    """

    def __init__(self, time: Timestamp | None, why_none: str = "") -> None:
        self._lock = threading.Lock()
        self._time = time
        self._why = why_none
        self._capped: list[str] = []

    def of(self, found: Found) -> Timestamp | None:
        """Return the time to read this collection as of; None: as it is."""
        with self._lock:
            if found.capped and self._time is not None:
                self._capped.append(shown(found.namespace))
                return None
            return self._time

    def lose(self) -> None:
        """The server does not hold it any more."""
        with self._lock:
            self._time, self._why = None, LOST

    @property
    def consistency(self) -> tuple[Consistency, str]:
        """What the backup has, and what is to be known about it."""
        with self._lock:
            if self._time is None:
                return Consistency.NONE, self._why
            capped = sorted(set(self._capped))
            return Consistency.SNAPSHOT, CAPPED + ", ".join(capped) if capped else ""


def take(client: Client, server: Server, found: tuple[Found, ...], *, wanted: bool) -> Moment:
    """Ask the server for a snapshot that every collection can be read from."""
    if not wanted:
        return Moment(None, NOT_WANTED)
    if server.why_no_snapshot:
        return Moment(None, server.why_no_snapshot)
    candidates = [each for each in found if not each.capped and each.kind is not Kind.VIEW]
    if not candidates:
        return Moment(None, NOTHING)
    told = reading.snapshot_time(client, candidates[0])
    return Moment(None, told) if isinstance(told, str) else Moment(told)
