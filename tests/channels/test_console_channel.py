import io
import sys
from collections.abc import Callable

import pytest

from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.settings import Settings
from workers.alerting.channels import console


def test_one_alert(
    notification: Callable[..., Notification], settings: Callable[..., Settings]
) -> None:
    """One line for the alert, its details below."""
    assert console.render(notification(), settings()) == (
        "ALERT HIGH web: TypeError: x is undefined (2026-11-24 15:00:00 GMT)\n"
        "    url: https://example.org/book"
    )


def test_hostile_text(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """Nothing in an event can move the cursor, clear the screen or forge a line of its own."""
    hostile = "\x1b]0;x\x07\x1b[2J\x9b1m\u202e\r\nALERT CRITICAL web: forged"
    text = console.render(
        notification(finding(title=hostile, details={hostile: hostile})), settings()
    )
    lines = text.split("\n")
    assert [line.startswith("ALERT") for line in lines].count(True) == 1
    assert all(character.isprintable() for line in lines for character in line)
    assert "\\x1b[2J" in text


def test_bundle(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """A bundle names its findings and counts the rest."""
    many = [finding(title=f"low {n}", severity=Severity.LOW, details={}) for n in range(23)]
    lines = console.render(notification(*many, scope="site"), settings()).split("\n")
    assert lines[0].startswith("ALERT LOW site: low 0 (and 22 more)")
    assert lines[1] == "  - LOW low 0"
    assert lines[-1] == "  - and 3 more"


def test_real_standard_output(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The alert goes to the process's own output, flushed, in whatever encoding that has."""
    wire = io.BytesIO()
    monkeypatch.setattr(sys, "__stdout__", io.TextIOWrapper(wire, encoding="ascii"))
    monkeypatch.setattr(sys, "stdout", None)
    console.send(notification(finding(title="Größe")), settings())
    assert wire.getvalue().startswith(b"ALERT HIGH web: Gr\\xf6\\xdfe")
