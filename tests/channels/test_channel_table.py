from collections.abc import Callable
from typing import Any

import pytest

from equerry.errors import DeliveryError
from equerry.outbound import Answer
from equerry.settings import Settings
from workers.alerting import channels
from workers.alerting.channels.answers import raise_for

SLACK = {"slack": {"webhook_url": "https://hooks.slack.com/x"}}
EMAIL = {"email": {"smtp_url": "smtp://localhost", "to": ["a@example.org"]}}
WEBHOOK = {"webhook": {"url": "https://example.org", "secret": "s"}}


@pytest.mark.parametrize(
    ("alerts", "names"),
    [
        ({}, ("console",)),
        (SLACK, ("slack",)),
        (EMAIL, ("email",)),
        ({"email": {"smtp_url": "smtp://localhost"}}, ("console",)),
        ({"webhook": {"url": "https://example.org"}}, ("console",)),
        ({**SLACK, **EMAIL, **WEBHOOK}, ("slack", "email", "webhook")),
    ],
)
def test_configured(
    alerts: dict[str, Any], names: tuple[str, ...], settings: Callable[..., Settings]
) -> None:
    """What is set up is used; only where nothing is, the console is."""
    assert settings(**alerts).alerts.configured == names


def test_every_channel_with_settings_can_be_sent_to(settings: Callable[..., Settings]) -> None:
    """The table of senders and the sections of the settings name the same channels."""
    assert set(channels.CHANNELS) == {*settings().alerts.channels, "console"}


def test_routes_name_channels_of_the_table(settings: Callable[..., Settings]) -> None:
    """Every channel that a default route names exists."""
    routes = settings().alerts.routes
    named = {*routes.critical, *routes.high, *routes.medium, *routes.low}
    assert named <= set(channels.CHANNELS)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_success(status: int) -> None:
    """Every 2xx is a delivery."""
    raise_for(Answer(status))


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (101, False),
        (301, True),
        (307, True),
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (410, True),
        (425, False),
        (429, False),
        (500, False),
        (503, False),
        (599, False),
        (999, False),
    ],
)
def test_failure(status: int, permanent: bool) -> None:
    """Every other answer is a failure, final where the receiver says that it is."""
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as failure:
        raise_for(Answer(status, 12.0))
    assert failure.value.permanent is permanent
    assert status // 100 == 3 or failure.value.retry_after_seconds == 12.0


def test_what_a_receiver_says_is_kept_short_and_harmless() -> None:
    """The receiver's words are quoted on one line, without control characters, cut."""
    with pytest.raises(DeliveryError) as failure:
        raise_for(Answer(500, None, b"\x1b[2Jno\r\nroom\xff" + b"x" * 900))
    assert str(failure.value).startswith("HTTP 500: [2Jno room\N{REPLACEMENT CHARACTER}xxx")
    assert len(str(failure.value)) < 220
