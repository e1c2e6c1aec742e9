"""What the channels' tests share: a made-up alert, settings, and a certificate of our own."""

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.settings import Settings

AT_MS = 1_795_532_400_123
"""2026-11-24T15:00:00.123Z."""


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Make a finding; what is not given is ordinary."""

    def make(**given: Any) -> Finding:
        ordinary: dict[str, Any] = {
            "rule": "new-issue",
            "key": "new-issue:abc",
            "severity": Severity.HIGH,
            "title": "TypeError: x is undefined",
            "at_ms": AT_MS,
            "details": {"url": "https://example.org/book"},
        }
        return Finding(**{**ordinary, **given})

    return make


@pytest.fixture
def notification(finding: Callable[..., Finding]) -> Callable[..., Notification]:
    """Make a notification of these findings (one, if none is given)."""

    def make(*findings: Finding, **given: Any) -> Notification:
        ordinary: dict[str, Any] = {
            "id": "0123456789abcdef0123456789abcdef",
            "scope": "p1",
            "channel": "any",
            "created_ms": AT_MS,
            "due_ms": AT_MS,
        }
        return Notification(findings=findings or (finding(),), **{**ordinary, **given})

    return make


@pytest.fixture
def settings() -> Callable[..., Settings]:
    """Make settings with one project, `web`, and these alert settings; loopback is allowed."""

    def make(**alerts: Any) -> Settings:
        return msgspec.convert(
            {
                "projects": [{"id": 1, "slug": "web", "key": "k" * 32}],
                "alerts": {"allow_private": True, **alerts},
            },
            Settings,
        )

    return make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a self-signed certificate for `hooks.example.test`, with its key, in one PEM file."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=hooks.example.test"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=DNS:hooks.example.test"]
    key = file.with_name("key.pem")
    command += ["-keyout", str(key), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    """A server's TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
