"""A signed webhook: one JSON object, which the receiver can prove to be ours and not a replay."""

import hashlib
import hmac
import time

import msgspec

from equerry import clock, outbound
from equerry.alerts.notification import Notification
from equerry.events.severity import Severity
from equerry.settings import Settings
from workers.alerting.channels.answers import raise_for


class _Finding(msgspec.Struct, frozen=True):
    rule: str
    key: str
    severity: Severity
    title: str
    at: str
    details: dict[str, str]


class _Payload(msgspec.Struct, frozen=True):
    id: str
    scope: str
    created_at: str
    severity: Severity
    title: str
    repeat: bool
    more: int
    findings: tuple[_Finding, ...]


def send(notification: Notification, settings: Settings) -> str:
    """POST the notification, signed for this moment. Raises DeliveryError unless it is a 2xx."""
    body = payload(notification)
    timestamp = int(time.time())
    answer = outbound.post(
        settings.alerts.webhook.url,
        body,
        {
            "Content-Type": "application/json",
            "X-Equerry-Delivery": notification.id,
            "X-Equerry-Timestamp": str(timestamp),
            "X-Equerry-Signature": sign(settings.alerts.webhook.secret, timestamp, body),
        },
        allow_private=settings.alerts.allow_private,
    )
    raise_for(answer)
    return f"HTTP {answer.status}"


def payload(notification: Notification) -> bytes:
    """Return the body, as docs/webhook.md describes it."""
    return msgspec.json.encode(
        _Payload(
            id=notification.id,
            scope=notification.scope,
            created_at=clock.rfc3339(notification.created_ms),
            severity=notification.lead.severity,
            title=notification.title,
            repeat=notification.repeat,
            more=notification.more,
            findings=tuple(
                _Finding(
                    rule=finding.rule,
                    key=finding.key,
                    severity=finding.severity,
                    title=finding.title,
                    at=clock.rfc3339(finding.at_ms),
                    details=finding.details,
                )
                for finding in notification.findings
            ),
        )
    )


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature header: `v1=` and the hex HMAC-SHA256 of `<timestamp>.<body>`."""
    signed = b"%d." % timestamp + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(
    secret: str,
    timestamp: str,
    body: bytes,
    signature: str,
    now: float,
    *,
    tolerance_seconds: float = 300,
) -> bool:
    """Whether a request is ours and recent: what a receiver does with the two headers.

    timestamp and signature: the headers as received. now: epoch seconds.
    """
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):  # noqa: PLR2004
        return False
    if abs(now - int(timestamp)) > tolerance_seconds:
        return False
    expected = sign(secret, int(timestamp), body)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
