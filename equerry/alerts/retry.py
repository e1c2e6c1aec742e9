"""When a failed send is tried again. Pure."""

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 300.0


def delay_seconds(attempts: int, retry_after_seconds: float | None, jitter: float) -> float:
    """Return the wait after this many failed attempts (1 or more).

    Doubles from 2 s to 5 min; jitter in [0, 1) takes up to half of it away, so that what failed
    together does not come back together. A longer Retry-After wins.
    """
    backoff = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempts - 1, 16))
    return max(backoff * (1 - jitter / 2), retry_after_seconds or 0.0)
