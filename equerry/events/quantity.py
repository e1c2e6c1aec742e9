"""How many a report says that there were, within what is believed. Pure."""

# An aggregate of a minute has some thousands of sessions. A counter in Redis ends at 2^63.
MOST = 1_000_000


def bounded(number: int) -> int:
    """Return the number, from 0 to MOST."""
    return max(0, min(number, MOST))
