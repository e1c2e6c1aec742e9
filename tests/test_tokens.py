"""Tokens: made once, kept as a hash, found by their text."""

import pytest

from equerry import keys, tokens
from equerry.redis_client import Redis
from equerry.tokens import Scope, TokenError

NOW_MS = 1_795_000_000_000


def test_only_a_hash_is_kept(redis: Redis) -> None:
    """Nowhere in Redis is a part of the token's text, and two tokens differ."""
    one = tokens.make(redis, "one", Scope.READ, NOW_MS)
    two = tokens.make(redis, "two", Scope.WRITE, NOW_MS)
    assert one != two
    assert len(one) == len(tokens.PREFIX) + 48
    kept = repr(redis.hgetall(keys.tokens()))
    assert not any(secret[4:20] in kept for secret in (one, two))
    assert redis.keys("*") == [keys.tokens().encode()]


def test_found_by_its_text_only(redis: Redis) -> None:
    """The whole text finds the token; a part, another case or its hash does not."""
    secret = tokens.make(redis, "ann", Scope.WRITE, NOW_MS)
    found = tokens.find(redis, secret, NOW_MS)
    assert found is not None
    assert (found.name, found.scopes) == ("ann", (Scope.READ, Scope.WRITE))
    for text in ("", secret[:-1], secret.upper(), found.digest, f"{secret} ", "\udcff"):
        assert tokens.find(redis, text, NOW_MS) is None


def test_expires_when_its_time_is_over(redis: Redis) -> None:
    """A token is good until its last millisecond; one without an end stays good."""
    tokens.make(redis, "short", Scope.READ, NOW_MS, NOW_MS + 10)
    tokens.make(redis, "long", Scope.READ, NOW_MS)
    short, long = (
        each for name in ("short", "long") for each in tokens.every(redis) if each.name == name
    )
    assert not short.has_expired(NOW_MS + 9)
    assert short.has_expired(NOW_MS + 10)
    assert not long.has_expired(NOW_MS + 10**12)


def test_a_name_is_one_tokens(redis: Redis) -> None:
    """A second token of one name is refused: the journal could not tell who acted."""
    tokens.make(redis, "ann", Scope.READ, NOW_MS)
    with pytest.raises(TokenError, match="already"):
        tokens.make(redis, "ann", Scope.READ, NOW_MS)
    assert tokens.revoke(redis, "ann")
    assert not tokens.revoke(redis, "ann")
    tokens.make(redis, "ann", Scope.READ, NOW_MS)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\x1b[0m", "-a", "a ", "é", "a" * 65])
def test_a_name_is_safe_to_show(redis: Redis, name: str) -> None:
    """What could steer a terminal, or hide in a list, is no name."""
    with pytest.raises(TokenError, match="takes"):
        tokens.make(redis, name, Scope.READ, NOW_MS)
