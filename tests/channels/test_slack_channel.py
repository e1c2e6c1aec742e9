from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from receivers import HttpReceiver, Reply

from equerry.alerts.notification import Notification
from equerry.errors import DeliveryError
from equerry.events.severity import Severity
from equerry.finding import Finding
from equerry.settings import Settings
from workers.alerting.channels import slack

HOSTILE = "<!channel> <https://evil.example|click> & \x1b[31m\u202e\ud800"


def texts(message: dict[str, Any]) -> list[str]:
    """Return every text of a message that Slack renders, in order."""
    blocks = [*message["blocks"], *message["attachments"][0]["blocks"]]
    elements = [part for block in blocks for part in block.get("elements", [block.get("text")])]
    return [message["text"], *(element["text"] for element in elements)]


def test_message(
    notification: Callable[..., Notification], settings: Callable[..., Settings]
) -> None:
    """One finding: a header, a coloured section with its details, a context for people."""
    message = slack.message(notification(), settings())
    assert texts(message) == [
        "[HIGH] TypeError: x is undefined",
        "[HIGH] TypeError: x is undefined",
        "HIGH: TypeError: x is undefined\nurl: https://example.org/book",
        "web · new-issue · 2026-11-24 15:00:00 GMT · 0123456789abcdef0123456789abcdef",
    ]
    assert message["attachments"][0]["color"] == slack.COLOURS[Severity.HIGH]


def test_hostile_text(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """A stranger's text makes no mention, no link and no control character, wherever it stands."""
    message = slack.message(
        notification(finding(title=HOSTILE, rule=HOSTILE, details={HOSTILE: HOSTILE})), settings()
    )
    for text in texts(message):
        assert "<" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "&lt;!channel&gt;" in message["text"]
    sections = message["attachments"][0]["blocks"]
    assert all(block["text"]["verbatim"] for block in sections if block["type"] == "section")
    msgspec.json.encode(message)


@pytest.mark.parametrize("letter", ["x", "&", "🐎", "\n"])
@pytest.mark.parametrize("count", [1, 2, 20, 21, 500])
def test_slack_limits(
    letter: str,
    count: int,
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """Whatever comes, Slack's limits hold, and nothing is empty."""
    long = finding(title=letter * 9000, details={f"part {n}": letter * 9000 for n in range(9)})
    message = slack.message(notification(*[long] * count), settings())
    blocks = [*message["blocks"], *message["attachments"][0]["blocks"]]
    assert len(blocks) <= 50
    for text in texts(message):
        assert 0 < len(text) <= 3000
    assert len(message["blocks"][0]["text"]["text"]) <= 150


def test_bundle(
    notification: Callable[..., Notification],
    finding: Callable[..., Finding],
    settings: Callable[..., Settings],
) -> None:
    """A bundle names its findings, the most severe first, and counts those it does not name."""
    many = [finding(title=f"low {n}", severity=Severity.LOW, at_ms=n) for n in range(31)]
    worst = finding(title="worst", severity=Severity.CRITICAL, at_ms=99)
    message = slack.message(notification(*many, worst), settings())
    said = texts(message)
    assert said[0] == "[CRITICAL] worst (and 31 more)"
    assert said[2].startswith("CRITICAL: worst")
    assert said[3].startswith("LOW: low 0")
    assert said[-2] == "and 12 more"
    assert len(said) == 2 + 20 + 2


@pytest.mark.parametrize(
    ("text", "limit", "result"),
    [
        ("abc", 10, "abc"),
        ("a<b>&", 40, "a&lt;b&gt;&amp;"),
        ("a<b", 5, "a…"),
        ("abcdef", 4, "abc…"),
        ("", 4, ""),
    ],
)
def test_escaped(text: str, limit: int, result: str) -> None:
    """Escapes count in full and are never cut in two."""
    assert slack.escaped(text, limit) == result


def test_send(notification: Callable[..., Notification], settings: Callable[..., Settings]) -> None:
    """The message is posted as JSON; a 2xx is the receipt."""
    with HttpReceiver() as receiver:
        given = settings(slack={"webhook_url": f"{receiver.url}/services/T/B/x"})
        assert slack.send(notification(), given) == "HTTP 200"
    request = receiver.requests[0]
    assert request.path == "/services/T/B/x"
    assert msgspec.json.decode(request.body) == slack.message(notification(), given)


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (403, b"invalid_token", True),
        (404, b"no_service", True),
        (410, b"channel_is_archived", True),
        (403, b"action_prohibited", True),
        (500, b"no_service", True),
        (200, b"invalid_token", True),
        (400, b"no_team\n", True),
        (404, b"", True),
        (410, b"", True),
        (429, b"rate_limited", False),
        (500, b"rollup_error", False),
        (503, b"", False),
    ],
)
def test_refusal(
    status: int,
    body: bytes,
    permanent: bool,
    notification: Callable[..., Notification],
    settings: Callable[..., Settings],
) -> None:
    """A webhook that is gone is final; what may pass is not, and is not sent a second time."""
    with HttpReceiver(Reply(status, body, {"Retry-After": "3"})) as receiver:
        given = settings(slack={"webhook_url": f"{receiver.url}/services/secret"})
        with pytest.raises(DeliveryError) as failure:
            slack.send(notification(), given)
    assert failure.value.permanent is permanent
    assert permanent or failure.value.retry_after_seconds == 3.0
    assert "services/secret" not in str(failure.value)
    assert len(receiver.requests) == 1


def test_layout_that_slack_refuses(
    notification: Callable[..., Notification], settings: Callable[..., Settings]
) -> None:
    """One odd message is sent as bare text instead of being lost or disabling the webhook."""
    with HttpReceiver(Reply(400, b"invalid_blocks")) as receiver:
        given = settings(slack={"webhook_url": receiver.url})
        assert slack.send(notification(), given) == "HTTP 200"
    bare = msgspec.json.decode(receiver.requests[1].body)
    assert bare == {"text": "[HIGH] TypeError: x is undefined"}
