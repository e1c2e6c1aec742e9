import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from receivers import SmtpSink

from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.settings import Settings
from workers.alerting.channels import email
from workers.alerting.channels.email_message import compose

TO = ["ops@example.org", "night@example.org"]
NOW = 1_795_532_460.0
"""Tue, 24 Nov 2026 15:01:00 GMT."""

Make = Callable[..., Notification]
MakeSettings = Callable[..., Settings]


def mail_to(settings: MakeSettings, url: str, **given: Any) -> Settings:
    """Make settings for this server."""
    ordinary = {"smtp_url": url, "to": TO, "sender": "Equerry <equerry@mail.example.org>"}
    return settings(email={**ordinary, **given})


def test_mail(notification: Make, settings: MakeSettings) -> None:
    """A mail as it arrives: both parts, every recipient, the headers that mark and thread it."""
    with SmtpSink() as sink:
        assert email.send(notification(), mail_to(settings, sink.url)) == "SMTP 250"
    mail = sink.messages[0]
    assert sink.recipients == [TO]
    assert mail["From"] == "Equerry <equerry@mail.example.org>"
    assert mail["To"] == "ops@example.org, night@example.org"
    assert mail["Subject"] == "[HIGH] TypeError: x is undefined"
    assert mail["Message-ID"] == "<0123456789abcdef0123456789abcdef@mail.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.tzinfo is not None
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "url: https://example.org/book" in plain.get_content()
    assert "web · new-issue · 2026-11-24 15:00:00 GMT" in plain.get_content()
    assert "https://example.org/book</td>" in html.get_content()


def test_threading(notification: Make, finding: Callable[..., Finding], settings: Any) -> None:
    """All notifications of one cause refer to one thread, those of another cause or scope don't."""
    given = mail_to(settings, "smtp://localhost")
    first = compose(notification(id="1" * 32), given, NOW)
    again = compose(notification(id="2" * 32, repeat=True), given, NOW)
    other = compose(notification(finding(key="new-issue:other")), given, NOW)
    elsewhere = compose(notification(scope="p2"), given, NOW)
    assert first["References"] == first["In-Reply-To"] == again["References"]
    assert first["Message-ID"] != again["Message-ID"]
    assert len({mail["References"] for mail in (first, other, elsewhere)}) == 3
    assert first["Date"] == "Tue, 24 Nov 2026 15:01:00 +0000"


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: victim@example.org",
        "x\nBcc: victim@example.org\n\nbody",
        "x\r\r\n\x00\x0b\x85Bcc: victim@example.org",
        "x\u2028Bcc: victim@example.org",
        "=?utf-8?q?x=0ABcc:_victim@example.org?=",
        "=?utf-8?b?eApCY2M6IHZpY3RpbUBleGFtcGxlLm9yZw==?=",
        "==?utf-8?q?x=0D=0ABcc:_victim@example.org?=",
        "=\x00?utf-8?q?x=0ABcc:_victim@example.org?=",
        "\ud800\u202e\x1b[2J <script>alert(1)</script>",
        "ü" * 5000,
    ],
)
def test_hostile_text(
    hostile: str, notification: Make, finding: Callable[..., Finding], settings: MakeSettings
) -> None:
    """A stranger's text adds no header and no markup, and the mail is still sent."""
    with SmtpSink() as sink:
        bad = finding(title=hostile, key=hostile, details={hostile: hostile})
        email.send(notification(bad), mail_to(settings, sink.url))
    mail = sink.messages[0]
    assert mail["Bcc"] is None
    assert sink.recipients == [TO]
    assert len(mail["Subject"]) <= 200
    html = mail.get_body(("html",))
    assert html is not None
    assert "<script" not in html.get_content()
    assert "\x1b" not in html.get_content()


def test_bundle(notification: Make, finding: Callable[..., Finding], settings: Any) -> None:
    """A bundle names its findings in both parts and counts the rest."""
    many = [finding(title=f"low {n}", severity=Severity.LOW) for n in range(25)]
    mail = compose(notification(*many), mail_to(settings, "smtp://localhost"), NOW)
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "low 19" in text
        assert "low 20" not in text
        assert "and 5 more" in text


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://localhost", email.Relay(False, "localhost", 25, "", "")),
        ("smtp://u:p@mx.test", email.Relay(False, "mx.test", 587, "u", "p")),
        ("smtps://mx.test", email.Relay(True, "mx.test", 465, "", "")),
        (
            "smtps://a%40b.test:p%3A%2F%40@mx.test:2465",
            email.Relay(True, "mx.test", 2465, "a@b.test", "p:/@"),
        ),
        ("smtp://[::1]:2525", email.Relay(False, "::1", 2525, "", "")),
    ],
)
def test_parse(url: str, relay: email.Relay) -> None:
    """User and password are percent-decoded; the port follows from the rest where it is absent."""
    assert email.parse(url) == relay


@pytest.mark.parametrize("url", ["smtp://", "smtp://u:secret@host:x", "smtp://[::1", "smtp://:25"])
def test_parse_refuses(url: str) -> None:
    """An address that cannot be used is refused for good, and its password is not quoted."""
    with pytest.raises(DeliveryError, match="smtp_url") as refusal:
        email.parse(url)
    assert refusal.value.permanent
    assert "secret" not in str(refusal.value)


def test_password(notification: Make, settings: MakeSettings, server_tls: ssl.SSLContext) -> None:
    """With STARTTLS offered the session is encrypted before the password goes."""
    with SmtpSink(auth=("me@x", "p:/@ss"), starttls=server_tls) as sink:
        url = sink.url.replace("smtp://", "smtp://me%40x:p%3A%2F%40ss@")
        email.send(notification(), mail_to(settings, url))
    assert sink.encrypted == [True]


def test_wrong_password(
    notification: Make, settings: MakeSettings, server_tls: ssl.SSLContext
) -> None:
    """A password that the server refuses is final."""
    with SmtpSink(auth=("me", "right"), starttls=server_tls) as sink:
        url = sink.url.replace("smtp://", "smtp://me:wrong@")
        with pytest.raises(DeliveryError, match="SMTP 535") as failure:
            email.send(notification(), mail_to(settings, url))
    assert failure.value.permanent


def test_password_missing(notification: Make, settings: MakeSettings) -> None:
    """A server that wants a password, and gets none, refuses for good."""
    with SmtpSink(auth=("me", "right")) as sink, pytest.raises(DeliveryError) as failure:
        email.send(notification(), mail_to(settings, sink.url))
    assert failure.value.permanent


def own_address() -> str:
    """Return this machine's address on its network, or nothing; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""


@pytest.mark.skipif(not own_address(), reason="needs an address beside loopback")
def test_password_is_not_sent_in_clear(notification: Make, settings: MakeSettings) -> None:
    """Without STARTTLS a password goes to this machine only, never over a network."""
    with SmtpSink(host=own_address(), auth=("me", "right")) as sink:
        url = sink.url.replace("smtp://", "smtp://me:right@")
        with pytest.raises(DeliveryError, match="STARTTLS") as failure:
            email.send(notification(), mail_to(settings, url))
    assert failure.value.permanent
    assert sink.messages == []


@pytest.mark.skipif(not own_address(), reason="needs an address beside loopback")
def test_certificate_is_checked(
    notification: Make, settings: MakeSettings, server_tls: ssl.SSLContext
) -> None:
    """Over a network a certificate that nobody vouches for gets no mail; it may be renewed."""
    with (
        SmtpSink(host=own_address(), starttls=server_tls) as sink,
        pytest.raises(DeliveryError, match=r"(?i)certificate") as failure,
    ):
        email.send(notification(), mail_to(settings, sink.url))
    assert not failure.value.permanent
    assert sink.messages == []


def test_tls_at_once(
    notification: Make,
    settings: MakeSettings,
    certificate: Path,
    server_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`smtps://` is TLS from the first byte, and the certificate must be for the host's name."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with SmtpSink(tls=server_tls) as sink, pytest.raises(DeliveryError, match=r"(?i)certificate"):
        email.send(notification(), mail_to(settings, sink.url))


@pytest.mark.parametrize(
    ("options", "permanent"),
    [
        ({"on_data": "451 try later"}, False),
        ({"on_data": "554 no"}, True),
        ({"refuse": dict.fromkeys(TO, "450 greylisted")}, False),
        ({"refuse": dict.fromkeys(TO, "550 unknown")}, True),
        ({"refuse": {TO[0]: "450 greylisted", TO[1]: "550 unknown"}}, False),
    ],
)
def test_refusal(
    options: dict[str, Any], permanent: bool, notification: Make, settings: MakeSettings
) -> None:
    """SMTP 5xx is final, 4xx is not; one recipient who may be reached later makes it so."""
    with SmtpSink(**options) as sink, pytest.raises(DeliveryError) as failure:
        email.send(notification(), mail_to(settings, sink.url))
    assert failure.value.permanent is permanent
    assert sink.messages == []


def test_one_recipient_unknown(
    notification: Make, settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is refused for good beside others is named, and the mail counts as delivered."""
    with SmtpSink(refuse={TO[1]: "550 unknown"}) as sink, caplog.at_level(logging.WARNING):
        receipt = email.send(notification(), mail_to(settings, sink.url))
    assert sink.recipients == [[TO[0]]]
    assert "night@example.org (550 unknown)" in receipt
    assert [record.message for record in caplog.records] == ["mail-partly-refused"]


@pytest.mark.parametrize(("attempts", "retried"), [(0, True), (3, True), (4, False)])
def test_one_recipient_greylisted(
    attempts: int, retried: bool, notification: Make, settings: MakeSettings
) -> None:
    """Whoever is refused for now is tried a few times; the others are not mailed for a day."""
    with SmtpSink(refuse={TO[1]: "450 later"}) as sink:
        given = mail_to(settings, sink.url)
        with pytest.raises(DeliveryError) if retried else contextlib.nullcontext() as failure:
            email.send(notification(attempts=attempts), given)
    assert not retried or not failure.value.permanent


def test_nobody_there(notification: Make, settings: MakeSettings) -> None:
    """A server that is away, or that hangs up, may be back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    for url in (f"smtp://127.0.0.1:{closed}", "smtp://nowhere.invalid"):
        with pytest.raises(DeliveryError) as failure:
            email.send(notification(), mail_to(settings, url))
        assert not failure.value.permanent


@pytest.mark.parametrize(
    "given",
    [
        {"sender": "nobody"},
        {"sender": ""},
        {"sender": "a@b\r\nBcc: c@d"},
        {"to": ["a@b\nBcc: c@d"]},
    ],
)
def test_bad_addresses(given: dict[str, Any], notification: Make, settings: MakeSettings) -> None:
    """A sender or a recipient that is no address is refused for good, naming the setting."""
    with pytest.raises(DeliveryError, match=r"alerts\.email") as refusal:
        email.send(notification(), mail_to(settings, "smtp://127.0.0.1:1", **given))
    assert refusal.value.permanent


def test_password_beyond_ascii(
    notification: Make, settings: MakeSettings, server_tls: ssl.SSLContext
) -> None:
    """What SMTP's login cannot carry is refused for good, without quoting it."""
    with SmtpSink(auth=("me", "right"), starttls=server_tls) as sink:
        url = sink.url.replace("smtp://", "smtp://me:p%C3%A4ss@")
        with pytest.raises(DeliveryError, match="ASCII") as refusal:
            email.send(notification(), mail_to(settings, url))
    assert refusal.value.permanent
