"""Tokens for the operator's port: made by `equerry token create`, kept as a hash only.

Each request reads all of them: they are meant for tens of people and programs, not for thousands.
"""

import enum
import hashlib
import hmac
import re
import secrets

import msgspec

from equerry import keys
from equerry.errors import EquerryError
from equerry.redis_client import Redis

PREFIX = "eqy_"
RANDOM_BYTES = 24
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@ -]{0,62}[A-Za-z0-9]|[A-Za-z0-9]")
# When a token was last used is known to the hour: it is told who is idle, not who is watched.
USED_WITHIN_MS = 3_600_000


class TokenError(EquerryError):
    """A token that cannot be made or found; the message says why."""


class Scope(enum.StrEnum):
    """What a token may do."""

    READ = "read"
    WRITE = "write"


# The wider scope holds the narrower.
GRANTS = {Scope.READ: (Scope.READ,), Scope.WRITE: (Scope.READ, Scope.WRITE)}


class Token(msgspec.Struct, frozen=True):
    """What is kept of a token. Times are epoch ms; expires_ms 0 is never, used_ms 0 not yet."""

    name: str
    scopes: tuple[Scope, ...]
    digest: str
    made_ms: int
    expires_ms: int = 0
    used_ms: int = 0

    def has_expired(self, now_ms: int) -> bool:
        """Whether it is past its time."""
        return 0 < self.expires_ms <= now_ms


_DECODER = msgspec.json.Decoder(Token)


def make(redis: Redis, name: str, scope: Scope, now_ms: int, expires_ms: int = 0) -> str:
    """Keep a new token and return it: it is not shown again.

    Raises TokenError for a name that is taken, or that is not 1 to 64 letters, digits, `._@-` or
    spaces within.
    """
    if not NAME.fullmatch(name):
        raise TokenError(f"name: {name!r}: takes 1 to 64 letters, digits, spaces or ._@-")
    secret = PREFIX + secrets.token_hex(RANDOM_BYTES)
    token = Token(name, GRANTS[scope], _digest(secret), now_ms, expires_ms)
    if not redis.hsetnx(keys.tokens(), name, msgspec.json.encode(token)):
        raise TokenError(f"name: there is a token {name!r} already; revoke it, or take another")
    return secret


def every(redis: Redis) -> list[Token]:
    """Return all tokens, the oldest first."""
    pipe = redis.pipeline(transaction=False)
    pipe.hgetall(keys.tokens())
    pipe.hgetall(keys.tokens_used())
    kept, used = pipe.execute()
    known = [
        msgspec.structs.replace(_DECODER.decode(raw), used_ms=int(used.get(name, 0)))
        for name, raw in kept.items()
    ]
    return sorted(known, key=lambda token: (token.made_ms, token.name))


def revoke(redis: Redis, name: str) -> bool:
    """Forget a token at once; return whether there was one."""
    pipe = redis.pipeline()
    pipe.hdel(keys.tokens(), name)
    pipe.hdel(keys.tokens_used(), name)
    gone, _ = pipe.execute()
    return bool(gone)


def find(redis: Redis, secret: str, now_ms: int) -> Token | None:
    """Return the token of this text, expired or not, and note its use; None where there is none."""
    digest = _digest(secret)
    found = None
    for token in every(redis):  # all of them, each in the same time
        if hmac.compare_digest(token.digest, digest):
            found = token
    if found and not found.has_expired(now_ms) and now_ms - found.used_ms >= USED_WITHIN_MS:
        redis.hset(keys.tokens_used(), found.name, now_ms)
    return found


def _digest(secret: str) -> str:
    """Return the hash that is kept. The text is random: no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
