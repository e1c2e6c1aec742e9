"""What is Redis' own state, and what is the fault of what was asked."""

import pytest
from redis.client import Pipeline

from equerry.redis_client import Redis, is_away


@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", True),
        ("MISCONF Errors writing to the AOF file: No space left on device", True),
        ("LOADING server is loading the dataset in memory", True),
        ("READONLY You can't write against a read only replica.", True),
        ("MASTERDOWN Link with MASTER is down", True),
        ("CLUSTERDOWN The cluster is down", True),
        ("NOPERM this user has no permissions to run the 'set' command", True),
        ("NOREPLICAS Not enough good replicas to write.", True),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", False),
        ("ERR value is not an integer or out of range", False),
    ],
)
def test_is_away(redis: Redis, said: str, expected: bool, in_transaction: bool) -> None:
    """What the server said tells, of a command alone and of one in a transaction."""
    connection = redis.connection_pool.make_connection()
    error = connection._parser.parse_error(said)
    if in_transaction:
        pipe: Pipeline = redis.pipeline()
        pipe.annotate_exception(error, 1, ("SET", "a", "1"))
    assert is_away(error) is expected
