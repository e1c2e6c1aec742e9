"""One connection to Redis per thread, for the one command of the hot path.

A pooled client checks a connection out and in, and wraps each command in its own retries, metrics
and reply parsing: a quarter of what the door took for a request. This asks and reads, nothing else.
Limits: no retry, no reconnect within a command, replies as RESP has them.
"""

import threading
from typing import Any

from redis.exceptions import RedisError, ResponseError

from equerry.redis_client import Redis


class HeldConnections:
    """Each thread's own connection, of a client's pool; made when it is first needed."""

    def __init__(self, redis: Redis) -> None:
        self._pool = redis.connection_pool
        self._local = threading.local()

    def ask(self, *command: bytes | str | float) -> Any:  # noqa: ANN401, whatever Redis replies
        """Send one command and return its reply.

        Raises ResponseError for what Redis says of the command; any other RedisError has closed the
        connection, and the command may have been carried out.
        """
        connection = self._connected()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except ResponseError:
            raise
        except (RedisError, OSError):
            connection.disconnect()
            raise

    def _connected(self) -> Any:  # noqa: ANN401, redis-py's connection
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._pool.make_connection()
        elif connection.is_connected and _is_stale(connection):
            connection.disconnect()
        if not connection.is_connected:
            connection.connect()
        return connection


def _is_stale(connection: Any) -> bool:  # noqa: ANN401, redis-py's connection
    """Whether the server has closed it, or left something behind, between two commands."""
    try:
        return bool(connection.can_read(timeout=0))
    except (RedisError, OSError):
        return True
