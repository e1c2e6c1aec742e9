"""Mail by SMTP, through the administrator's own relay (no guard against private addresses)."""

import contextlib
import logging
import smtplib
import socket
import ssl
import time
import urllib.parse
from email.message import EmailMessage
from ipaddress import ip_address

import msgspec

from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.settings import Settings
from workers.alerting.channels.email_message import compose, sender_address
from workers.alerting.channels.wording import one_line

TIMEOUT_SECONDS = 5.0
"""For each exchange with the server, not for the whole: it is the administrator's own."""

# A recipient that is refused for now (greylisting, RFC 6647) is worth that many tries, though the
# others then get the mail again, under the same Message-ID. After that, those told are enough.
PARTIAL_ATTEMPTS = 4

log = logging.getLogger(__name__)


class Relay(msgspec.Struct, frozen=True):
    """The SMTP server as `alerts.email.smtp_url` gives it."""

    tls: bool
    host: str
    port: int
    user: str
    password: str


def send(notification: Notification, settings: Settings) -> str:
    """Hand the mail to the relay. Raises DeliveryError unless the relay took it.

    SMTP 5xx is permanent, 4xx and every failure of the connection is temporary. Recipients refused
    for good beside others that were accepted are named in the receipt and logged.
    """
    relay = parse(settings.alerts.email.smtp_url)
    mail = compose(notification, settings, time.time())
    sender = sender_address(settings)
    try:
        refused = _hand_over(relay, mail, sender, settings.alerts.email.to)
    except smtplib.SMTPRecipientsRefused as error:
        raise _all_refused(error.recipients) from error
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(
            f"{relay.host}: SMTP {error.smtp_code} {_said(error.smtp_error)}",
            permanent=error.smtp_code >= 500,  # noqa: PLR2004 - RFC 5321, 4.2.1
            # After DATA the server has read the text: it may be that which a filter dislikes.
            of_message=isinstance(error, smtplib.SMTPDataError),
        ) from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"{relay.host}: {error}", permanent=True) from error
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(
            f"{relay.host}: {error or type(error).__name__}", permanent=False
        ) from error
    except ValueError as error:
        raise DeliveryError(
            "alerts.email: user, password and host must be plain ASCII", permanent=True
        ) from error
    return _receipt(refused, notification.attempts)


def parse(url: str) -> Relay:
    """Take `smtp://user:password@host:port` apart; user and password are percent-decoded.

    The port is 465 for smtps, else 587 with a password and 25 without.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host:
        # Never with the URL, which holds the password.
        raise DeliveryError(
            "alerts.email.smtp_url is not usable; it takes smtp://user:password@host:587 with "
            "special characters percent-encoded",
            permanent=True,
        )
    tls = parts.scheme == "smtps"
    return Relay(
        tls=tls,
        host=host,
        port=port or (465 if tls else 587 if parts.username else 25),
        user=urllib.parse.unquote(parts.username or ""),
        password=urllib.parse.unquote(parts.password or ""),
    )


def _hand_over(
    relay: Relay, mail: EmailMessage, sender: str, recipients: tuple[str, ...]
) -> dict[str, tuple[int, bytes]]:
    """Return whom the server refused beside those that it accepted."""
    # Without a name of our own smtplib asks the DNS for one, which may take many seconds.
    ours = socket.gethostname()
    tls = ssl.create_default_context()
    smtp: smtplib.SMTP
    if relay.tls:
        smtp = smtplib.SMTP_SSL(relay.host, relay.port, ours, timeout=TIMEOUT_SECONDS, context=tls)
    else:
        smtp = smtplib.SMTP(relay.host, relay.port, ours, timeout=TIMEOUT_SECONDS)
    try:
        if not relay.tls:
            _encrypt(smtp, relay, tls)
        if relay.user:
            smtp.login(relay.user, relay.password)
        refused = smtp.send_message(mail, sender, list(recipients))
        # The mail is accepted: what a server says to QUIT must not make it unsent.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            smtp.quit()
        return refused
    finally:
        smtp.close()


def _encrypt(smtp: smtplib.SMTP, relay: Relay, tls: ssl.SSLContext) -> None:
    """STARTTLS where it is offered; a password goes in clear to this machine only."""
    local = smtp.sock is not None and ip_address(str(smtp.sock.getpeername()[0])).is_loopback
    smtp.ehlo_or_helo_if_needed()
    if smtp.has_extn("starttls"):
        if local:  # a local relay's certificate rarely says `localhost`, and nobody is in between
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        smtp.starttls(context=tls)
    elif relay.user and not local:
        raise DeliveryError(
            f"{relay.host} offers no STARTTLS, so the password was not sent; use smtps:// or a "
            "server that encrypts",
            permanent=True,
        )


def _all_refused(recipients: dict[str, tuple[int, bytes]]) -> DeliveryError:
    return DeliveryError(
        f"every recipient was refused: {_names(recipients)}",
        permanent=all(code >= 500 for code, _ in recipients.values()),  # noqa: PLR2004
    )


def _receipt(refused: dict[str, tuple[int, bytes]], attempts: int) -> str:
    if not refused:
        return "SMTP 250"
    log.warning("mail-partly-refused", extra={"recipients": _names(refused)})
    later = any(code < 500 for code, _ in refused.values())  # noqa: PLR2004
    if later and attempts < PARTIAL_ATTEMPTS:
        raise DeliveryError(f"refused for now: {_names(refused)}", permanent=False)
    return f"SMTP 250; refused: {_names(refused)}"


def _names(refused: dict[str, tuple[int, bytes]]) -> str:
    return ", ".join(f"{name} ({code} {_said(why)})" for name, (code, why) in refused.items())


def _said(reply: bytes | str) -> str:
    return one_line(reply if isinstance(reply, str) else reply.decode("utf-8", "replace"), 200)
