"""Times as they are written: UTC, RFC 3339 with milliseconds."""

import datetime as dt
import functools
import time

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
# As people write spans of time: `30m`, `2h`, `90d`, `2w`.
UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


def now_ms() -> int:
    """Return the time, epoch milliseconds."""
    return time.time_ns() // 1_000_000


def rfc3339(epoch_ms: int) -> str:
    """Return e.g. `2026-11-23T15:04:05.678Z`."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@functools.lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    """Remember the last seconds: a batch has many events of each."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def minute(epoch_ms: int) -> str:
    """Return the minute's name, e.g. `2026-11-23T15:04`."""
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(epoch_ms // 1000))


def hour(epoch_ms: int) -> str:
    """Return the hour's name, e.g. `2026-11-23T15`."""
    return time.strftime("%Y-%m-%dT%H", time.gmtime(epoch_ms // 1000))


def day(epoch_ms: int) -> str:
    """Return the day's name, e.g. `2026-11-23`."""
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_ms // 1000))


def parse_ms(text: str) -> int:
    """Return epoch milliseconds of an RFC 3339 time. Raises ValueError."""
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


def bucket_start(name: str) -> int:
    """Return when the minute, hour or day of this name begins, epoch seconds."""
    return int(dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC).timestamp())
