"""A Slack incoming webhook, with Block Kit."""

from typing import Any

import msgspec

from equerry import outbound
from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.outbound import Answer
from equerry.settings import Settings
from workers.alerting.channels.answers import raise_for
from workers.alerting.channels.wording import clean, headline, moment, one_line, place, worst_first

# Slack's limits: header 150 characters, section 3,000, 50 blocks a message. A bundle's sections
# are kept shorter still, so that 20 of them make one readable message.
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
BUNDLED_CHARACTERS = 600

COLOURS = {
    Severity.CRITICAL: "#b3261e",
    Severity.HIGH: "#e8710a",
    Severity.MEDIUM: "#f2c744",
    Severity.LOW: "#6b7f99",
}

# Bodies that mean "this webhook is gone", whatever the status that carries them.
GONE = frozenset(
    {
        b"invalid_token",
        b"no_service",
        b"no_team",
        b"team_disabled",
        b"channel_is_archived",
        b"channel_not_found",
        b"action_prohibited",
    }
)
# Statuses 400 and 413 are about this one message, not about the webhook.
MESSAGE_REFUSED = frozenset({400, 413})

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def send(notification: Notification, settings: Settings) -> str:
    """Post the message. Raises DeliveryError unless Slack took it.

    If Slack refuses the layout, the same is sent at once as bare text: a message that looks poor
    is better than none, and one odd message must not count against the webhook.
    """
    full = message(notification, settings)
    answer = _post(full, settings)
    if answer.status in MESSAGE_REFUSED and answer.body.strip() not in GONE:
        answer = _post({"text": full["text"]}, settings)
    if answer.body.strip() in GONE:
        raise DeliveryError(
            f"Slack says {answer.body.strip().decode()} (HTTP {answer.status}): this webhook is "
            "gone; make a new one and set alerts.slack.webhook_url",
            permanent=True,
        )
    raise_for(answer)
    return f"HTTP {answer.status}"


def _post(content: dict[str, Any], settings: Settings) -> Answer:
    return outbound.post(
        settings.alerts.slack.webhook_url,
        msgspec.json.encode(content),
        {"Content-Type": "application/json; charset=utf-8"},
        allow_private=settings.alerts.allow_private,
    )


def message(notification: Notification, settings: Settings) -> dict[str, Any]:
    """Return the message: a header, then in the severity's colour the findings and a context."""
    severity = notification.lead.severity
    title = f"[{severity.upper()}] {headline(notification)}"
    findings, unnamed = worst_first(notification)
    limit = SECTION_CHARACTERS if len(findings) == 1 else BUNDLED_CHARACTERS
    blocks = [_section(_body(finding), limit) for finding in findings]
    if unnamed:
        blocks.append(_section(f"and {unnamed} more", limit))
    where = place(notification.scope, settings)
    when = moment(notification.created_ms, settings.zone)
    context = f"{where} · {notification.lead.rule} · {when} · {notification.id}"
    blocks.append({"type": "context", "elements": [_mrkdwn(escaped(context, SECTION_CHARACTERS))]})
    header = {"type": "plain_text", "text": escaped(title, HEADER_CHARACTERS), "emoji": False}
    return {
        "text": escaped(title, SECTION_CHARACTERS),
        "blocks": [{"type": "header", "text": header}],
        "attachments": [{"color": COLOURS[severity], "blocks": blocks}],
    }


def escaped(text: str, limit: int) -> str:
    """Return at most `limit` characters of the text in which nothing is markup, mention or link.

    Slack counts what is sent, so an escape counts in full and is never cut in two.
    """
    pieces: list[str] = []
    room = limit
    for character in clean(text):
        piece = _ESCAPES.get(character, character)
        if len(piece) > room - 1:  # one is kept for the ellipsis
            return "".join(pieces) + "…"
        pieces.append(piece)
        room -= len(piece)
    return "".join(pieces)


def _body(finding: Finding) -> str:
    lines = [f"{finding.severity.upper()}: {one_line(finding.title, 1000)}"]
    lines += [f"{label}: {value}" for label, value in finding.details.items()]
    return "\n".join(lines)


def _section(text: str, limit: int) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(escaped(text, limit))}


def _mrkdwn(text: str) -> dict[str, Any]:
    # verbatim: Slack makes no links and mentions of its own out of a stranger's words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
