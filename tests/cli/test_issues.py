"""`equerry issues`: what a person and a program read, and what each verb does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from issue_events import SCOPE, error, happen

from equerry import clock, keys
from equerry.cli import tables
from equerry.events.severity import Severity
from equerry.issues import lookup
from equerry.issues.state import State
from equerry.redis_client import Redis
from equerry.settings import Settings

Cli = Callable[..., Result]
DAY_MS = 86_400_000


@pytest.fixture
def three(redis: Redis, settings: Settings) -> list[str]:
    """Let three issues happen; returns the ids of their events."""
    now_ms = clock.now_ms() - 5_000
    sent = [
        error("a", at_ms=now_ms - 2 * DAY_MS, release="1.1", user="ada", transaction="pay"),
        error("a", at_ms=now_ms, release="1.2", user="bob", transaction="pay"),
        error("b", at_ms=now_ms - 1, severity=Severity.HIGH, name="TypeError"),
        error("c", at_ms=now_ms - 2, message="evil \x1b]0;owned\x07 \u202e text", user="\x1b[31m"),
    ]
    happen(redis, *sent, archive=settings.data_path / "archive")
    return [event.id for event in sent]


def state(redis: Redis, number: int) -> State:
    """Return an issue's state."""
    return lookup.read_states(redis, SCOPE, [number])[number]


def rows(done: Result) -> list[dict[str, Any]]:
    """Return the JSON lines."""
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_none(redis: Redis, cli: Cli) -> None:
    """An empty list says what to do."""
    for query in ((), ("-q", "")):
        assert cli("issues", "list", *query).stdout.startswith("No issues yet. `equerry up` shows")
    assert cli("issues", "list", "--json").stdout == ""
    happen(redis, error())
    cli("issues", "resolve", "WEB-1")
    assert 'No issue matches "is:unresolved"' in cli("issues", "list").stdout


@pytest.mark.usefixtures("three")
def test_list(cli: Cli) -> None:
    """A row each, the last seen first; what strangers sent cannot steer the terminal."""
    done = cli("issues", "list")
    assert done.exit_code == 0
    body = done.stdout.splitlines()
    assert [line.split()[0] for line in body[1:4]] == ["WEB-1", "WEB-2", "WEB-3"]
    assert "a broke  pay" in body[1]
    assert r"evil \u001b]0;owned\u0007 \u202e text" in body[3]
    assert "\x1b" not in done.stdout
    assert "issues show ID" in done.stdout


@pytest.mark.usefixtures("three")
def test_list_for_programs(cli: Cli) -> None:
    """One object an issue; pages follow by the cursor."""
    [row] = rows(cli("issues", "list", "--json", "-q", "release:1.1"))
    assert (row["id"], row["count"], row["users"], row["status"]) == ("WEB-1", 2, 2, "unresolved")
    assert row["first_seen"].endswith("Z")
    first = cli("issues", "list", "-n", "2")
    cursor = first.stdout.partition("--cursor ")[2].split()[0]
    rest = rows(cli("issues", "list", "-n", "2", "--cursor", cursor, "--json"))
    assert [row["id"] for row in rest] == ["WEB-3"]
    by_count = rows(cli("issues", "list", "--sort", "severity", "--json"))
    assert by_count[0]["id"] == "WEB-2"


def test_a_long_title_leaves_room(redis: Redis, cli: Cli) -> None:
    """What a stranger sends is cut, and not the columns beside it."""
    happen(redis, error(message="x" * 5_000))
    row = cli("issues", "list").stdout.splitlines()[1]
    assert row.split()[:3] == ["WEB-1", "medium", "unresolved"]
    assert row.split()[-1] == "ago"
    assert "xxx…" in row


def test_a_narrow_terminal_leaves_the_title_room(
    redis: Redis, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In 80 columns a title has 30 of them; the day's events and the users give theirs."""
    monkeypatch.setattr(tables, "PIPE_COLUMNS", 80)
    happen(redis, error(message="x" * 5_000))
    head, row = cli("issues", "list").stdout.splitlines()[:2]
    assert head.split() == ["ID", "Severity", "Status", "Issue", "Events", "Seen"]
    assert "x" * 30 + "…" in row
    assert len(row) <= 80


def test_show(redis: Redis, three: list[str], cli: Cli) -> None:
    """All there is of one issue, for people and for programs."""
    assert len(three) == 4
    cli("issues", "note", "WEB-1", "the cache")
    cli("issues", "assign", "WEB-1", "ada")
    text = cli("issues", "show", "web-1").stdout
    for part in ("WEB-1  a broke", "pay", "unresolved", "1.1 … 1.2", "the cache", "assigned: ada"):
        assert part in text
    details = json.loads(cli("issues", "show", "WEB-1", "--json").stdout)
    assert details["issue"]["assignee"] == "ada"
    assert details["tags"]["release"] == {"1.1": 1, "1.2": 1}
    assert [line["what"] for line in details["activity"]] == ["assigned", "noted"]
    redis.hset(keys.merged(SCOPE), 2, 1)
    assert "WEB-2 is a part of WEB-1." in cli("issues", "show", "WEB-2").stdout


def test_show_is_bounded(redis: Redis, cli: Cli) -> None:
    """A stranger's hundred tags do not push what matters off the screen."""
    happen(redis, error(release="1.2", tags={f"key{n}": "x" for n in range(100)}))
    lines = cli("issues", "show", "WEB-1").stdout.splitlines()
    assert len(lines) < 45
    assert any(line.split() == ["release", "1.2", "1"] for line in lines)
    assert "  and 82 more tags: --json has all." in lines


def test_events(three: list[str], cli: Cli, settings: Settings) -> None:
    """The events at hand; where the archive has none any more, why, and exit code 1."""
    text = cli("issues", "events", "WEB-1").stdout
    assert text.index(three[1]) < text.index(three[0])
    assert "a broke" in text
    found = rows(cli("issues", "events", "WEB-3", "--json"))
    assert [line["id"] for line in found] == [three[3]]
    for segment in (settings.data_path / "archive").glob("errors/*/*"):
        segment.unlink()
    gone = cli("issues", "events", "WEB-1")
    assert gone.exit_code == 1
    assert "not in this archive" in gone.stdout


def test_explain(three: list[str], cli: Cli) -> None:
    """By the event's id or the issue's: what the fingerprint is made of."""
    text = cli("issues", "explain", three[2]).stdout
    assert three[2] in text
    assert "TypeError" in text
    assert "Grouped by" in text
    assert f"Event         {three[2]}" in cli("issues", "explain", "WEB-2").stdout.strip()
    why = json.loads(cli("issues", "explain", three[2].upper(), "--json").stdout)
    assert {"version", "strategy", "fingerprint", "parts"} <= why.keys()
    missing = cli("issues", "explain", "0" * 32)
    assert (missing.exit_code, "no error of id" in missing.stderr) == (1, True)


@pytest.mark.usefixtures("three")
def test_settle(redis: Redis, cli: Cli) -> None:
    """Each verb does what it says, to several at once where that makes sense."""
    done = cli("issues", "resolve", "WEB-1", "WEB-2", "--in-next-release")
    assert done.stdout == (
        "WEB-1: resolved in the release after 1.2, severity medium\n"
        "WEB-2: resolved in the release after 1.2, severity high\n"
    )
    assert [row["id"] for row in rows(cli("issues", "list", "--json"))] == ["WEB-3"]
    assert "resolved in 1.3" in cli("issues", "resolve", "WEB-1", "--release", "1.3").stdout
    cli("issues", "reopen", "WEB-1")
    assert state(redis, 1).status == "unresolved"
    assert "nothing changed" in cli("issues", "reopen", "WEB-1").stdout
    text = cli("issues", "ignore", "WEB-1", "--for", "2h", "--until-count", "5").stdout
    assert "ignored until 20" in text
    assert "until it was seen 7 times" in text
    assert "until 3 users met it" in cli("issues", "ignore", "WEB-1", "--until-users", "1").stdout
    [told] = rows(cli("issues", "assign", "WEB-2", "bob", "--json"))
    assert told == {
        "id": "WEB-2",
        "changed": True,
        "status": "resolved",
        "severity": "high",
        "assignee": "bob",
    }
    assert "assigned" not in cli("issues", "assign", "WEB-2", "--nobody").stdout
    assert "severity low (pinned)" in cli("issues", "pin", "WEB-2", "low").stdout
    assert "severity high\n" in cli("issues", "pin", "WEB-2", "--unpin").stdout
    cli("issues", "merge", "WEB-1", "WEB-2", "WEB-3")
    assert redis.hgetall(keys.merged(SCOPE)) == {b"2": b"1", b"3": b"1"}
    assert cli("issues", "unmerge", "WEB-3").stdout.startswith("WEB-3: unresolved")
    assert redis.hgetall(keys.merged(SCOPE)) == {b"2": b"1"}
    assert "merged: WEB-2 into WEB-1" in cli("issues", "show", "WEB-1").stdout
    assert "unmerged: WEB-3 out of WEB-1" in cli("issues", "show", "WEB-3").stdout


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("list", "-q", "nonsense:1"), 2, "nonsense: is no key; there is is, assigned"),
        (("list", "--project", "nope"), 2, "no project 'nope'; there is web"),
        (("list", "--cursor", "x"), 2, "is no cursor"),
        (("show", "42"), 2, "ids look like WEB-42"),
        (("show", "SHOP-1"), 2, "no project is called 'SHOP'; there is WEB"),
        (("show", "WEB-99"), 1, "no issue WEB-99"),
        (("events", "WEB-99"), 1, "no issue WEB-99"),
        (("resolve", "WEB-99"), 1, "no issue of number 99"),
        (("resolve",), 2, "Missing argument"),
        (("resolve", "WEB-1", "--release", "1", "--in-next-release"), 1, "not both"),
        (("ignore", "WEB-1", "--for", "soon"), 2, "write 30m, 2h, 90d or 2w"),
        (("ignore", "WEB-1", "--for", "0h"), 2, "no span of time"),
        (("ignore", "WEB-1", "--for", "99999w"), 2, "no span of time"),
        (("assign", "WEB-1"), 2, "give a name, or --nobody"),
        (("pin", "WEB-1"), 2, "give a severity, or --unpin"),
        (("pin", "WEB-1", "awful"), 2, "'awful' is not one of"),
        (("unmerge", "WEB-1"), 1, "not merged into another"),
        (("merge", "WEB-1", "WEB-99"), 1, "WEB-1: there is no issue of number 99"),
        (("assign", "WEB-1", "  "), 2, "give a name, or --nobody"),
        (("note", "WEB-1", " "), 1, "1 to 2000 characters"),
    ],
)
def test_refused(cli: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    """What cannot be meant is said in a line, with what could."""
    done = cli("issues", *arguments)
    assert done.exit_code == code
    assert message in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    "verb", ["list", "show", "events", "explain", "resolve", "ignore", "merge", "pin"]
)
def test_help(cli: Cli, verb: str) -> None:
    """Each verb's help begins with what it does."""
    assert len(cli("issues", verb, "--help").stdout.splitlines()) > 5


def test_tail(redis: Redis, cli: Cli, settings: Settings) -> None:
    """The journal is a kind of the archive as any other."""
    assert "No issues in" in cli("tail", "issues").stderr
    assert redis.ping()
    folder = settings.data_path / "archive" / "issues" / "2026-11-23"
    folder.mkdir(parents=True)
    (folder / "15-node-1.jsonl").write_text(
        '{"_id":"1-0","id":"ab","project":1,"received_at":"2026-11-23T15:00:00.000Z",'
        '"timestamp":"2026-11-23T15:00:00.000Z","what":"noted","issue":42,"by":"ada",'
        '"note":"look \\u001b[31m"}\n'
    )
    assert cli("tail", "issues").stdout == (
        "2026-11-23 15:00:00  noted     web  issue 42  ada  look \\u001b[31m\n"
    )


def test_redis_away(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis it is one line that names the setting, exit code 2."""
    monkeypatch.setenv("EQUERRY_REDIS_URL", "redis://127.0.0.1:1/0")
    done = cli("issues", "list")
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("equerry: redis.url (EQUERRY_REDIS_URL): ")
