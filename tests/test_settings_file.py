"""Reading the settings: each fault is one line that names the setting, and nothing is guessed."""

from pathlib import Path

import pytest

from equerry import settings_file
from equerry.errors import SettingsError
from equerry.settings import Settings

PROJECT = '[[projects]]\nid = 1\nslug = "web"\nkey = "0123456789abcdef"\n'


def load(folder: Path, text: str, **variables: str) -> Settings:
    """Read a settings file of this text, with these EQUERRY_* variables."""
    file = folder / "equerry.toml"
    file.write_text(text, "utf-8")
    return settings_file.load({"EQUERRY_CONFIG": str(file), **variables})


@pytest.mark.parametrize(
    ("text", "variables", "says"),
    [
        ("[api]\nprot = 1", {}, "api.prot: no such setting"),
        ("colour = 1", {}, "colour: no such setting"),
        ("[api]\nport = 70000", {}, "api.port: expected"),
        ('[api]\nport = "x"', {}, "api.port: expected"),
        ("data_dir = 7", {}, "data_dir: expected"),
        ("timezone = 'Mars/Base'", {}, "timezone: 'Mars/Base'"),
        ("[", {}, "equerry.toml: "),
        (PROJECT + PROJECT, {}, "projects: two projects share one id"),
        ("", {"EQUERRY_PROT": "1"}, "EQUERRY_PROT: no such setting"),
        ("", {"EQUERRY_API_PORT": "abc"}, "EQUERRY_API_PORT: "),
        ("", {"EQUERRY_API_PORT_FILE": "/nonexistent"}, "EQUERRY_API_PORT_FILE: "),
        ("", {"EQUERRY_REDIS_URL": "http://x"}, "redis.url: takes redis://"),
        ("", {"EQUERRY_WEBHOOK_URL": "https://x"}, "alerts.webhook.secret: "),
        ("", {"EQUERRY_SMTP_URL": "smtp://x"}, "alerts.email.to: "),
        ("", {"EQUERRY_TRUSTED_PROXIES": "10.0.0.1/8"}, "api.trusted_proxies: "),
        ("[alerts.routes]\nlow = ['pager']", {}, "alerts.routes.low: no channel 'pager'"),
        (
            "[[severity.rules]]\nname = 'mine'\nseverity = 'urgent'",
            {},
            "severity.rules 'mine'.severity: ",
        ),
        (
            "[[severity.rules]]\nname = 'mine'\nseverity = 'low'\nurls = ['*']",
            {},
            "severity.rules 'mine'.urls: no such setting",
        ),
        (
            "[[severity.rules]]\nname = 'a'\nseverity = 'low'\n" * 2,
            {},
            "severity.rules: two rules are named 'a'",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, variables: dict[str, str], says: str) -> None:
    """The message begins with, or holds, the setting's own name."""
    with pytest.raises(SettingsError) as fault:
        load(tmp_path, text, **variables)
    assert says in str(fault.value)
    assert "\n" not in str(fault.value)


def test_the_environment_wins(tmp_path: Path) -> None:
    """A variable stands over the file, and a secret may come from a file of its own."""
    (tmp_path / "secret").write_text("s3cret\n", "utf-8")
    settings = load(
        tmp_path,
        "[api]\nport = 1\n[alerts.webhook]\nurl = 'https://x'",
        EQUERRY_API_PORT="2",
        EQUERRY_WEBHOOK_SECRET_FILE=str(tmp_path / "secret"),
        EQUERRY_ALERT_EMAIL_TO="a@x, b@x",
        EQUERRY_ALERT_ALLOW_PRIVATE="true",
    )
    assert settings.api.port == 2
    assert settings.alerts.webhook.secret == "s3cret"
    assert settings.alerts.email.to == ("a@x", "b@x")
    assert settings.alerts.allow_private is True


def test_a_relative_folder_is_beside_the_file(tmp_path: Path) -> None:
    """Whatever folder a verb is called from, it finds the same data."""
    assert load(tmp_path, "data_dir = 'd'").data_path == (tmp_path / "d").resolve()
    assert load(tmp_path, "").data_path == (tmp_path / "var").resolve()
