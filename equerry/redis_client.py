"""One way to connect to Redis, and the names for its types."""

from typing import Any, TypeAlias

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

# redis-py types each reply as all that any client setting may yield. Ours always speak bytes (see
# `connect`), which these names stand for.
Redis: TypeAlias = Any
Pipeline: TypeAlias = Any
# A server that is up but cannot write: memory full, a replica, a part of the cluster gone, a right
# that our user there lacks …
_CANNOT = (
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.NoPermissionError,
)
# … its disk failing, its replicas too few, which redis-py has no classes for.
_SAID = ("MISCONF ", "NOREPLICAS ")
# In a transaction redis-py puts the command before what the server said.
_OF_COMMAND = "caused error: "


def is_away(error: Exception) -> bool:
    """Whether the error is Redis' own state (gone, full, read-only), not what was asked of it."""
    if isinstance(error, exceptions.ResponseError):
        said = str(error).rpartition(_OF_COMMAND)[2]
        return isinstance(error, _CANNOT) or said.startswith(_SAID)
    return isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError)


def connect(url: str, *, timeout_seconds: float = 4.0) -> Redis:
    """Return a client that speaks bytes.

    timeout_seconds bounds every command; a blocking read must block for less. No command is tried
    twice: the reply may be what was lost, and a repeated append doubles. Callers start over from
    what is written instead.
    """
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=min(timeout_seconds, 2.0),
        retry=Retry(NoBackoff(), 0),
    )
