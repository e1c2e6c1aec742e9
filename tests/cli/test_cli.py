import json
from pathlib import Path

import pytest
from up_process import RunCli

from equerry.cli.config import masked
from equerry.cli.main import VERBS
from equerry.cli.restart import delay_seconds, failures_after, is_loud

SETTINGS = """
[[projects]]
id = 1
slug = "web"
key = "0123456789abcdef0123456789abcdef"

[[projects]]
id = 7
slug = "shop"
key = "fedcba9876543210"

[alerts.slack]
webhook_url = "https://hooks.slack.com/services/T0/B0/secret"
"""


@pytest.fixture
def settings_file(tmp_path: Path) -> None:
    """Write settings with two projects."""
    (tmp_path / "equerry.toml").write_text(SETTINGS)


def test_help_lists_every_verb(run_cli: RunCli) -> None:
    """`equerry --help` names each verb with a sentence, and exits 0."""
    done = run_cli("--help")
    assert done.returncode == 0
    for verb in VERBS:
        [line] = [each for each in done.stdout.splitlines() if each.startswith(f"  {verb} ")]
        assert line.strip().endswith("."), line


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(run_cli: RunCli, verb: str) -> None:
    """Each verb in the table can be loaded and explains itself."""
    assert run_cli(verb, "--help").returncode == 0


@pytest.mark.parametrize("arguments", [("nonsense",), ("up", "--nonsense"), ("dsn", "extra")])
def test_bad_usage_is_2(run_cli: RunCli, arguments: tuple[str, ...]) -> None:
    """Bad usage is exit code 2 with no traceback."""
    done = run_cli(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("settings_file")
@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ((), {}, "http://0123456789abcdef0123456789abcdef@127.0.0.1:8000/1"),
        (("--project", "shop"), {}, "http://fedcba9876543210@127.0.0.1:8000/7"),
        (
            ("--project", "shop"),
            {"EQUERRY_API_HOST": "0.0.0.0", "EQUERRY_API_PORT": "81"},  # noqa: S104
            "http://fedcba9876543210@127.0.0.1:81/7",
        ),
        (
            ("--project", "shop"),
            {"EQUERRY_API_HOST": "::1"},
            "http://fedcba9876543210@[::1]:8000/7",
        ),
    ],
)
def test_dsn(
    run_cli: RunCli, arguments: tuple[str, ...], environ: dict[str, str], expected: object
) -> None:
    """The DSN of the first project, or of the named one, at an address that can be reached."""
    done = run_cli("dsn", *arguments, **environ)
    assert (done.returncode, done.stdout.strip()) == (0, expected)


@pytest.mark.usefixtures("settings_file")
def test_dsn_of_an_unknown_project(run_cli: RunCli) -> None:
    """An unknown project is bad usage that names the known ones."""
    done = run_cli("dsn", "--project", "nope")
    assert done.returncode == 2
    assert "no project 'nope'; there is web, shop" in done.stderr


def test_missing_settings_are_one_line(run_cli: RunCli) -> None:
    """Without equerry.toml a verb says so in one line, exit code 2."""
    done = run_cli("config", "check")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("equerry: equerry.toml: no such file. `equerry up` writes one")


@pytest.mark.usefixtures("settings_file")
def test_config_check_hides_secrets(run_cli: RunCli) -> None:
    """The effective tree holds defaults, file and variables, but no key and no password."""
    environ = {
        "EQUERRY_REDIS_URL": "redis://user:hunter2@cache:6379/3",
        "EQUERRY_SMTP_URL": "smtp://post:hunter2@mail:587",
        "EQUERRY_ALERT_EMAIL_TO": "a@example.org,b@example.org",
    }
    done = run_cli("config", "check", "--json", **environ)
    plain = json.loads(done.stdout)
    assert plain["redis"]["url"] == "redis://***@cache:6379/3"
    assert plain["alerts"]["email"]["smtp_url"] == "smtp://***@mail:587"
    assert plain["alerts"]["email"]["to"] == ["a@example.org", "b@example.org"]
    assert plain["projects"][1]["key"] == "***"
    assert plain["timezone"] == "Europe/London"
    text = run_cli("config", "check", **environ).stdout
    assert 'projects[1].slug = "shop"' in text
    assert "api.port = 8000" in text
    for secret in ("hunter2", "fedcba98", "01234567", "services/T0"):
        assert secret not in done.stdout + text


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("api.host", "127.0.0.1", "127.0.0.1"),
        ("api.port", 8000, 8000),
        ("redis.url", "", ""),
        ("redis.url", "redis://cache:6379/3", "redis://cache:6379/3"),
        ("redis.url", "redis://:p@cache/3", "redis://***@cache/3"),
        ("redis.url", "unix:///v.sock?password=p&db=1", "unix:///v.sock?password=***&db=1"),
        (
            "alerts.slack.webhook_url",
            "https://hooks.slack.com/s/T/x",
            "https://hooks.slack.com/***",
        ),
        ("heartbeat.url", "https://hc.example.org", "https://hc.example.org"),
        ("heartbeat.url", "https://hc.example.org?uuid", "https://hc.example.org/***"),
        ("sentry.dsn", "https://k@sentry.example.org/1", "https://***@sentry.example.org/***"),
        ("alerts.webhook.secret", "s", "***"),
        ("projects.key", "k", "***"),
        ("projects.origins", "https://u:p@example.org", "https://***@example.org"),
    ],
)
def test_masked(setting: str, value: object, expected: object) -> None:
    """What is secret is masked, what one checks (scheme, host, database) stays."""
    assert masked(setting, value) == expected


def test_delays_double_up_to_10_seconds() -> None:
    """Restarts wait 0.5 s, then twice as long each, up to 10 s, and for ever at that."""
    assert [delay_seconds(failures) for failures in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert delay_seconds(100_000) == 10


@pytest.mark.parametrize(
    ("failures", "alive_seconds", "expected"), [(0, 0, 1), (4, 29.9, 5), (4, 30, 1), (7, 9e9, 1)]
)
def test_failures_in_a_row(failures: int, alive_seconds: float, expected: object) -> None:
    """30 s alive end a row of failures."""
    assert failures_after(failures, alive_seconds) == expected


def test_every_fifth_failure_is_loud() -> None:
    """Five in a row are told, then each further five."""
    assert [failures for failures in range(12) if is_loud(failures)] == [5, 10]
