import json
from collections.abc import Callable

import pytest
from click.testing import Result

from equerry import keys
from equerry.redis_client import Redis
from equerry.stream import dead
from equerry.stream.consumer import GROUP
from equerry.stream.entry import Entry

Cli = Callable[..., Result]
SECRET = b'{"timestamp":"2026-11-23T15:04:05.000Z","message":"x","tags":{"password":"hunter2"}}'
NOT_JSON = b'{"password": "hunter2", \x1b]0;owned\x07'
RECEIVED_MS = 1_795_000_000_000


def bury(redis: Redis, scope: str, *payloads: bytes) -> list[str]:
    """Let these events die in this scope; returns the ids of their letters."""
    redis.xgroup_create(keys.events(scope), GROUP, id="0", mkstream=True)
    for data in payloads:
        fields = {"k": "errors", "i": bytes(16), "r": RECEIVED_MS, "d": data}
        redis.xadd(keys.events(scope), fields)
        redis.incrby(keys.events_bytes(scope), len(data))
    entries = [
        Entry(stream_id, "errors", bytes(16).hex(), RECEIVED_MS, fields[b"d"], 3)
        for stream_id, fields in redis.xrange(keys.events(scope))
    ]
    dead.bury(redis, scope, entries)
    return [entry.stream_id.decode() for entry in dead.letters(redis, scope)]


@pytest.mark.usefixtures("redis")
def test_none(cli: Cli) -> None:
    """Without dead letters the list says that all is well."""
    done = cli("dead", "list")
    assert done.exit_code == 0
    assert done.stdout == "No dead letters: every event that was taken up was processed.\n"
    assert cli("dead", "list", "--json").stdout == ""


def test_list(redis: Redis, cli: Cli) -> None:
    """The table names each letter; the payload is not in it, and never an open secret."""
    [one, two] = bury(redis, "p1", SECRET, NOT_JSON)
    done = cli("dead", "list")
    assert done.exit_code == 0
    for part in (one, two, "web", "errors", "0" * 32, "  3  "):
        assert part in done.stdout
    assert "message" not in done.stdout
    shown = cli("dead", "list", "--show").stdout
    assert '"message":"x"' in shown
    assert "hunter2" not in shown
    assert "\x1b" not in shown
    assert r"\u001b]0;owned" in shown


def test_list_for_programs(redis: Redis, cli: Cli) -> None:
    """With --json each letter is one object, with the payload only where it was asked for."""
    bury(redis, "p1", SECRET, SECRET)
    lines = cli("dead", "list", "--json").stdout.splitlines()
    assert len(lines) == 2
    row = json.loads(lines[0])
    assert row.pop("died_at").startswith("20")
    assert row.pop("id").partition("-")[0].isdigit()
    assert 0 < row.pop("size_bytes") <= len(SECRET) + 10
    assert row == {
        "project": "web",
        "received_at": "2026-11-18T11:06:40.000Z",
        "kind": "errors",
        "event_id": "0" * 32,
        "deliveries": 3,
    }
    [line] = cli("dead", "list", "--json", "--show", "--limit", "1").stdout.splitlines()
    assert json.loads(json.loads(line)["payload"])["message"] == "x"


def test_list_is_bounded(redis: Redis, cli: Cli) -> None:
    """A long list is cut and says so; beyond one page none is left out or told twice."""
    ids = bury(redis, "p1", *[SECRET] * 250)
    text = cli("dead", "list").stdout
    assert ids[49] in text
    assert ids[50] not in text
    assert "… and 200 more" in text
    lines = cli("dead", "list", "--json", "-n", "0").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    assert "-1 is not in the range" in cli("dead", "list", "-n", "-1").stderr


def test_retry(redis: Redis, cli: Cli) -> None:
    """A letter goes back into the stream as it came, its bytes counted, and leaves the dead."""
    [one, two] = bury(redis, "p1", SECRET, NOT_JSON)
    done = cli("dead", "retry", two)
    assert done.exit_code == 0
    assert done.stdout.startswith("1 event back in the queue")
    [(_, fields)] = redis.xrange(keys.events("p1"))
    assert set(fields) == {b"k", b"i", b"r", b"d"}
    assert (fields[b"i"], fields[b"r"]) == (bytes(16), str(RECEIVED_MS).encode())
    assert int(redis.get(keys.events_bytes("p1"))) == len(fields[b"d"])
    assert [entry.stream_id.decode() for entry in dead.letters(redis, "p1")] == [one]
    assert not dead.retry(redis, "p1", two)
    assert redis.xlen(keys.events("p1")) == 1


def test_retry_all(redis: Redis, cli: Cli) -> None:
    """--all takes every project's and Equerry's own."""
    bury(redis, "p1", *[SECRET] * 120)
    bury(redis, "site", SECRET)
    assert cli("dead", "retry", "--all").stdout.startswith("121 events back")
    assert redis.xlen(keys.events("p1")) == 120
    assert redis.xlen(keys.events("site")) == 1
    assert dead.count(redis, "p1") == dead.count(redis, "site") == 0


def test_drop_asks(redis: Redis, cli: Cli) -> None:
    """Nothing is deleted without a yes."""
    [one, _] = bury(redis, "p1", SECRET, SECRET)
    done = cli("dead", "drop", one, input="n\n")
    assert done.exit_code == 1
    assert dead.count(redis, "p1") == 2
    assert "Delete 1 event for good?" in done.stdout
    assert cli("dead", "drop", one, input="y\n").exit_code == 0
    assert dead.count(redis, "p1") == 1
    assert cli("dead", "drop", "--all", "--yes").stdout == "1 event deleted.\n"
    assert dead.count(redis, "p1") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("retry",), 2, "give ids"),
        (("retry", "--all", "1-1"), 2, "give ids"),
        (("drop", "--yes"), 2, "give ids"),
        (("retry", "nonsense"), 2, "'nonsense' is no id"),
        (("retry", "1-1"), 1, "no dead letter 1-1"),
        (("list", "--project", "nope"), 2, "no project 'nope'; there is web, site"),
    ],
)
@pytest.mark.usefixtures("redis")
def test_refused(cli: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    """What cannot be meant is said in a line, and nothing happens."""
    done = cli("dead", *arguments)
    assert done.exit_code == code
    assert message in done.stderr


def test_same_id_twice(redis: Redis, cli: Cli) -> None:
    """An id that lies in two projects is not guessed at."""
    redis.xadd(keys.dead("p1"), {"k": "errors"}, id="7-7")
    redis.xadd(keys.dead("site"), {"k": "errors"}, id="7-7")
    done = cli("dead", "drop", "--yes", "7-7")
    assert done.exit_code == 2
    assert "several projects (web, site)" in done.stderr
    assert cli("dead", "drop", "--yes", "--project", "site", "7-7").exit_code == 0
    assert redis.xlen(keys.dead("p1")) == 1


def test_redis_away(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis it is one line that names the setting, exit code 2."""
    monkeypatch.setenv("EQUERRY_REDIS_URL", "redis://user:hunter2@127.0.0.1:1/0")
    done = cli("dead", "list")
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("equerry: redis.url (EQUERRY_REDIS_URL): redis://***@127.0.0.1:1/0: ")
