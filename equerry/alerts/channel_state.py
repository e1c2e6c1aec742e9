"""Which channels are disabled: they refused for good, and say so until their setting changes."""

import hashlib

import msgspec

from equerry import keys
from equerry.redis_client import Pipeline, Redis


class Disabled(msgspec.Struct, frozen=True):
    """Why and since when. target: a digest of the channel's settings at that time."""

    since_ms: int
    reason: str
    target: str


def digest(setting: msgspec.Struct | None) -> str:
    """Return a digest of a channel's settings: another address is another channel."""
    return hashlib.blake2b(msgspec.json.encode(setting), digest_size=8).hexdigest()


def disabled(redis: Redis, targets: dict[str, str]) -> dict[str, Disabled]:
    """Return the disabled channels. targets: channel → digest of its present settings."""
    found = {
        name.decode(): msgspec.json.decode(text, type=Disabled)
        for name, text in redis.hgetall(keys.channels()).items()
    }
    return {name: row for name, row in found.items() if targets.get(name) == row.target}


def disable(pipe: Pipeline, name: str, row: Disabled) -> None:
    """Queue the end of a channel."""
    pipe.hset(keys.channels(), name, msgspec.json.encode(row))


def is_disabled(redis: Redis, name: str) -> bool:
    """Whether the channel refused for good, with these settings or earlier ones."""
    return bool(redis.hexists(keys.channels(), name))


def enable(pipe: Pipeline, name: str) -> None:
    """Queue a channel's return."""
    pipe.hdel(keys.channels(), name)
