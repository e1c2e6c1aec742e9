"""What clients say that they dropped themselves, in Redis, since the start."""

from collections.abc import Mapping

from equerry import keys
from equerry.redis_client import Pipeline, Redis


def write(pipe: Pipeline, scope: str, dropped: Mapping[tuple[str, str], int]) -> None:
    """Queue what was dropped, by reason and category: names of which there are only so many."""
    for (reason, category), number in dropped.items():
        if number:
            pipe.hincrby(keys.client_drops(scope), f"{reason} {category}", number)


def read(redis: Redis, scope: str) -> dict[tuple[str, str], int]:
    """Return what was dropped, by reason and category."""
    rows = redis.hgetall(keys.client_drops(scope))
    split = ((name.decode().partition(" "), int(number)) for name, number in rows.items())
    return {(reason, category): number for (reason, _, category), number in split}
