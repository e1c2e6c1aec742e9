"""Asks the configured Redis whether it is there."""

import redis

from equerry.cli.config import masked
from equerry.errors import SettingsError

CONNECT_SECONDS = 3.0


def check(url: str) -> None:
    """Ping the Redis at this address. Raises SettingsError, without the address's password."""
    try:
        client = redis.Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS, retry=None
        )
        try:
            client.ping()
        finally:
            client.close()
    except (redis.RedisError, OSError, ValueError) as error:
        place = masked("redis.url", url)
        raise SettingsError(f"redis.url (EQUERRY_REDIS_URL): {place}: {error}") from error
