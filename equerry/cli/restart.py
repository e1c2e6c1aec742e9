"""When a process that ended is started again. Pure: times in, times out."""

FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 10.0
# Alive for this long, a process counts as started; its next end is a first failure again.
SETTLED_SECONDS = 30.0
# This many quick failures in a row are told, with the process's last lines.
LOUD_FAILURES = 5


def failures_after(failures: int, alive_seconds: float) -> int:
    """Return how many quick failures in a row there are, now that it ended once more."""
    return 1 if alive_seconds >= SETTLED_SECONDS else failures + 1


def delay_seconds(failures: int) -> float:
    """Return how long to wait before the next start: 0.5, 1, 2, 4, 8, 10, 10, … seconds."""
    # The exponent is capped: 2.0 ** 2000 would overflow after hours of failing.
    return min(FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 10), MAX_DELAY_SECONDS)


def is_loud(failures: int) -> bool:
    """Tell whether this failure is told with its last lines, not only named."""
    return failures > 0 and failures % LOUD_FAILURES == 0
