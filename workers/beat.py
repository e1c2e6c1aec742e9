"""The scheduler: celery beat with its memory in Redis, of which one acts and the others wait.

Each due time is a slot. Last runs lie in Redis, so a run that was missed while all was down is sent
once at the next start, and a beat that takes over goes on where the last one stood. A slot that two
beats send all the same runs once: the job takes it by a SET NX.
"""

import datetime as dt
import logging
import secrets

from celery.beat import ScheduleEntry, Scheduler
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from equerry import clock, keys
from workers import process

log = logging.getLogger(__name__)

LEAD_MS = 10_000
MAX_WAIT_SECONDS = 1.0


class LedgerScheduler(Scheduler):  # type: ignore[misc]  # celery has no types
    """Sends due jobs while it holds the lead."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        self._name = secrets.token_hex(8).encode()
        self._leading = False
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Install the jobs of beat_schedule.py, and nothing of celery's own."""
        self.merge_inplace(self.app.conf.beat_schedule)

    def tick(self, *_args: object, **_kwargs: object) -> float:
        """Send what is due. Returns the seconds to wait."""
        try:
            if not self._lead():
                return MAX_WAIT_SECONDS
            waits = [self._send_if_due(entry) for entry in list(self.schedule.values())]
            return float(min([MAX_WAIT_SECONDS, *waits]))
        except (RedisError, OSError, OperationalError) as error:
            self._leading = False
            log.warning("beat-waits-for-redis", extra={"error": str(error)})
            return MAX_WAIT_SECONDS

    def _lead(self) -> bool:
        """Take or keep the lead; another beat takes it LEAD_MS after this one's last tick."""
        redis = process.redis()
        if redis.set(keys.beat_leader(), self._name, nx=True, px=LEAD_MS):
            log.info("beat-leads")
            self._remember()
            self._leading = True
        elif redis.get(keys.beat_leader()) == self._name:
            redis.pexpire(keys.beat_leader(), LEAD_MS)
            if not self._leading:
                self._remember()
                self._leading = True
        else:
            self._leading = False
        return self._leading

    def _remember(self) -> None:
        """Take over when each job was sent last; a job never sent is due from now on."""
        sent = process.redis().hgetall(keys.beat_sent())
        for name, entry in self.schedule.items():
            at_ms = sent.get(name.encode())
            if at_ms is not None:
                entry.last_run_at = dt.datetime.fromtimestamp(int(at_ms) / 1000, dt.UTC)

    def _send_if_due(self, entry: ScheduleEntry) -> float:
        due, wait_seconds = entry.is_due()
        if due:
            last, remaining, _now = (
                entry.schedule.remaining_delta(entry.last_run_at)
                if hasattr(entry.schedule, "remaining_delta")
                else (entry.last_run_at, entry.schedule.run_every, None)
            )
            slot = (last + remaining).astimezone(dt.UTC).isoformat(timespec="seconds")
            entry.app.send_task(entry.task, args=(entry.name, slot), retry=False, **entry.options)
            process.redis().hset(keys.beat_sent(), entry.name, str(clock.now_ms()))
            self.schedule[entry.name] = self.reserve(entry)
        return float(wait_seconds)
