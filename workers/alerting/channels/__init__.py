"""The channels. Adding one is a module with `send`, its section in settings.py, and a line here."""

from collections.abc import Callable

from equerry.alert_settings import CONSOLE
from equerry.alerts.notification import Notification
from equerry.settings import Settings
from workers.alerting.channels import console, email, slack, webhook

# One attempt: a short receipt comes back, or DeliveryError and nothing else is raised. The caller
# decides when to try again.
Send = Callable[[Notification, Settings], str]

CHANNELS: dict[str, Send] = {
    "slack": slack.send,
    "email": email.send,
    "webhook": webhook.send,
    CONSOLE: console.send,
}
