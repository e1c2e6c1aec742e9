import json
from collections.abc import Callable

import pytest
from click.testing import Result

from equerry import clock, tokens
from equerry.redis_client import Redis

Cli = Callable[..., Result]


@pytest.mark.usefixtures("redis")
def test_none(cli: Cli) -> None:
    """Without tokens the list says so and how to make one."""
    done = cli("token", "list")
    assert done.exit_code == 0
    assert (
        done.stdout
        == "No tokens: nobody may use the operator's port. `equerry token create` makes one.\n"
    )
    assert cli("token", "list", "--json").stdout == ""


def test_create_prints_it_once(redis: Redis, cli: Cli) -> None:
    """The token alone is on stdout, for `$(…)`; what it may do is beside it."""
    done = cli("token", "create", "--name", "deploy bot", "--scope", "write", "--expires", "90d")
    assert done.exit_code == 0
    secret = done.stdout.strip()
    assert secret.startswith("eqy_")
    assert "deploy bot may write with it until 2" in done.stderr
    found = tokens.find(redis, secret, clock.now_ms())
    assert found is not None
    assert found.expires_ms - found.made_ms == 90 * 86_400_000
    shown = cli("token", "list").stdout
    assert secret not in shown
    for part in ("deploy bot", "write", clock.rfc3339(found.expires_ms)[:10], "h"):
        assert part in shown


def test_for_programs(redis: Redis, cli: Cli) -> None:
    """With --json a new token is one object, and each listed one is too, without its text."""
    made = json.loads(cli("token", "create", "--name", "ci", "--json").stdout)
    assert made.pop("token").startswith("eqy_")
    assert made == {"name": "ci", "scope": "read", "expires_at": ""}
    [line] = cli("token", "list", "--json").stdout.splitlines()
    row = json.loads(line)
    assert row.pop("made_at").startswith("20")
    assert row == {
        "name": "ci",
        "scopes": ["read"],
        "last_used": "",
        "expires_at": "",
        "expired": False,
    }
    assert len(tokens.every(redis)) == 1


def test_list_tells_idle_and_expired(redis: Redis, cli: Cli) -> None:
    """What was never used, and what is over, is said."""
    tokens.make(redis, "over", tokens.Scope.READ, 1_000, 2_000)
    shown = cli("token", "list").stdout
    assert "not yet" in shown
    assert "1970-01-01 (expired)" in shown


def test_revoke(redis: Redis, cli: Cli) -> None:
    """A revoked token is gone; one that there is not ends with 1 and where to look."""
    cli("token", "create", "--name", "ci")
    assert cli("token", "revoke", "ci").stdout == "ci is revoked.\n"
    assert tokens.every(redis) == []
    done = cli("token", "revoke", "ci")
    assert done.exit_code == 1
    assert "equerry token list" in done.stderr


@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--name", "a\x1b[0m"), 1, "takes 1 to 64"),
        (("--name", "a", "--expires", "soon"), 2, "write 30m, 2h, 90d or 2w"),
        (("--name", "a", "--expires", "0d"), 2, "write 30m, 2h, 90d or 2w"),
        (("--name", "a", "--scope", "admin"), 2, "read"),
        ((), 2, "--name"),
    ],
)
def test_create_refuses(cli: Cli, arguments: tuple[str, ...], code: int, said: str) -> None:
    """What is wrong is named, and nothing is made."""
    done = cli("token", "create", *arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.usefixtures("redis")
def test_a_taken_name(cli: Cli) -> None:
    """A second token of one name is refused in one line."""
    assert cli("token", "create", "--name", "a").exit_code == 0
    done = cli("token", "create", "--name", "a")
    assert done.exit_code == 1
    assert "already" in done.stderr
