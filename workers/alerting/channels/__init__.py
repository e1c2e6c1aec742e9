"""The channels. Adding one is a module with `configured` and `send`, and a line in this table."""

from collections.abc import Callable
from typing import NamedTuple

from equerry.alerts.notification import Notification
from equerry.settings import Settings
from workers.alerting.channels import console, email, slack, webhook

CONSOLE = "console"


class Channel(NamedTuple):
    """configured: whether the settings suffice. send: one attempt; a short receipt comes back.

    `send` raises DeliveryError and nothing else; the caller decides when to try again.
    """

    configured: Callable[[Settings], bool]
    send: Callable[[Notification, Settings], str]


CHANNELS: dict[str, Channel] = {
    "slack": Channel(slack.configured, slack.send),
    "email": Channel(email.configured, email.send),
    "webhook": Channel(webhook.configured, webhook.send),
    CONSOLE: Channel(console.configured, console.send),
}


def configured(settings: Settings) -> tuple[str, ...]:
    """Return the names of the channels to use, in the table's order; never empty.

    The console is used only where no other channel is configured.
    """
    names = tuple(
        name
        for name, channel in CHANNELS.items()
        if name != CONSOLE and channel.configured(settings)
    )
    return names or (CONSOLE,)
