"""The end of an entry's way through the stream."""

from collections.abc import Sequence

from equerry import keys
from equerry.redis_client import Pipeline
from equerry.stream.consumer import GROUP


def remove(pipe: Pipeline, scope: str, ids: Sequence[str | bytes], sizes: int) -> None:
    """Queue the end of these entries: acknowledged and deleted, their bytes given back."""
    stream = keys.events(scope)
    pipe.xack(stream, GROUP, *ids)
    pipe.xdel(stream, *ids)
    pipe.decrby(keys.events_bytes(scope), sizes)
