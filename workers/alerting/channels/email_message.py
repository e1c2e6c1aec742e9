"""The mail of one notification: plain and HTML, threaded with others of the same cause."""

import hashlib
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from html import escape

from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.settings import Settings
from workers.alerting.channels.wording import (
    clean,
    cut,
    headline,
    moment,
    one_line,
    place,
    worst_first,
)

VALUE_CHARACTERS = 4000


def sender_address(settings: Settings) -> str:
    """Return the bare address of `alerts.email.sender`. Raises DeliveryError where it is none."""
    address = parseaddr(settings.alerts.email.sender)[1]
    if not all(address.partition("@")):
        raise DeliveryError("alerts.email.sender: that is no mail address", permanent=True)
    return address


def compose(notification: Notification, settings: Settings, now: float) -> EmailMessage:
    """Return the mail. now: epoch seconds, for its Date.

    Every attempt has the same Message-ID; every notification of one cause refers to one thread.
    Raises DeliveryError where sender or recipients are no addresses.
    """
    domain = sender_address(settings).rpartition("@")[2]
    cause = f"{notification.scope}\n{notification.lead.key}".encode("utf-8", "replace")
    thread = f"<{hashlib.sha256(cause).hexdigest()[:32]}@{domain}>"
    severity = notification.lead.severity.upper()
    mail = EmailMessage()
    try:
        mail["From"] = settings.alerts.email.sender
        mail["To"] = ", ".join(settings.alerts.email.to)
    except (ValueError, IndexError, MessageError) as error:
        raise DeliveryError(
            "alerts.email: sender and to take mail addresses", permanent=True
        ) from error
    mail["Subject"] = _subject(f"[{severity}] {headline(notification)}")
    mail["Date"] = formatdate(now, usegmt=True)
    mail["Message-ID"] = f"<{notification.id}@{domain}>"
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(_plain(notification, settings))
    mail.add_alternative(_html(notification, settings), subtype="html")
    return mail


def _subject(text: str) -> str:
    # EmailMessage decodes `=?utf-8?q?…=0A…?=` in what it is given, and writes the line feed that
    # comes out of it: a header of the stranger's own. Apart, the two characters mean nothing.
    return one_line(text, 150).replace("=?", "= ?")


def _plain(notification: Notification, settings: Settings) -> str:
    findings, unnamed = worst_first(notification)
    lines = [headline(notification), _where(notification, settings), ""]
    for finding in findings:
        lines.append(f"{finding.severity.upper()}: {one_line(finding.title, VALUE_CHARACTERS)}")
        for label, value in finding.details.items():
            text = clean(cut(value, VALUE_CHARACTERS)).replace("\n", "\n    ")
            lines.append(f"  {one_line(label, 100)}: {text}")
        lines.append("")
    if unnamed:
        lines.append(f"and {unnamed} more")
    return "\n".join(lines) + "\n"


def _html(notification: Notification, settings: Settings) -> str:
    findings, unnamed = worst_first(notification)
    parts = [f"<h2>{escape(headline(notification))}</h2>"]
    parts.append(f"<p>{escape(_where(notification, settings))}</p>")
    for finding in findings:
        title = one_line(finding.title, VALUE_CHARACTERS)
        parts.append(f"<h3>{finding.severity.upper()}: {escape(title)}</h3><table>")
        for label, value in finding.details.items():
            text = escape(clean(cut(value, VALUE_CHARACTERS)))
            parts.append(
                f'<tr><th align="left" valign="top">{escape(one_line(label, 100))}</th>'
                f'<td style="white-space:pre-wrap">{text}</td></tr>'
            )
        parts.append("</table>")
    if unnamed:
        parts.append(f"<p>and {unnamed} more</p>")
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>\n"


def _where(notification: Notification, settings: Settings) -> str:
    when = moment(notification.created_ms, settings.zone)
    return f"{clean(place(notification.scope, settings))} · {notification.lead.rule} · {when}"
