"""The settings of alerts: the channels, who hears of what, and when."""

from equerry.events.severity import Severity
from equerry.section import DAY_SECONDS, Seconds, Section

# The channel that needs no settings: the terminal of `equerry up`.
CONSOLE = "console"


class Slack(Section, frozen=True):
    """A Slack incoming webhook."""

    webhook_url: str = ""
    """`https://hooks.slack.com/services/…`."""

    @property
    def ready(self) -> bool:
        """Whether it can be sent to."""
        return bool(self.webhook_url)


class Email(Section, frozen=True):
    """Mail by SMTP."""

    smtp_url: str = ""
    """`smtp://user:password@host:587` uses STARTTLS where offered; `smtps://…` is TLS at once."""
    to: tuple[str, ...] = ()
    """Who is written to; in the variable, separated by commas."""
    sender: str = "equerry@localhost"
    """The sender's address."""

    @property
    def ready(self) -> bool:
        """Whether it can be sent to."""
        return bool(self.smtp_url and self.to)


class Webhook(Section, frozen=True):
    """A signed webhook."""

    url: str = ""
    """Where alerts are posted; see docs/webhook.md."""
    secret: str = ""
    """What the signature is made with; required with a url."""

    @property
    def ready(self) -> bool:
        """Whether it can be sent to."""
        return bool(self.url and self.secret)


class Routes(Section, frozen=True):
    """Which channels hear of which severity; channels that are not configured are passed over."""

    critical: tuple[str, ...] = ("slack", "email", "webhook")
    """Channels that hear of critical findings."""
    high: tuple[str, ...] = ("slack", "email")
    """Channels that hear of high ones."""
    medium: tuple[str, ...] = ("slack",)
    """Channels that hear of medium ones."""
    low: tuple[str, ...] = ("slack",)
    """Channels that hear of low ones."""

    def channels(self, severity: Severity) -> tuple[str, ...]:
        """Return the names of the channels for this severity."""
        names: tuple[str, ...] = getattr(self, severity.value)
        return names


class Alerts(Section, frozen=True):
    """When to tell, and whom."""

    new_issue: Severity = Severity.LOW
    """A new fingerprint of at least this severity is told."""
    repeat_seconds: Seconds = 4 * 3600.0
    """A cause that is still there is told again after this long."""
    bundle_seconds: Seconds = 30.0
    """What follows the first of a group within this time goes out as one message."""
    give_up_seconds: Seconds = float(DAY_SECONDS)
    """A notification that no attempt delivered for this long is dead; it stays visible."""
    allow_private: bool = False
    """Let Slack and webhook addresses be private ones (10.x, 127.x, …)."""
    slack: Slack = Slack()
    email: Email = Email()
    webhook: Webhook = Webhook()
    routes: Routes = Routes()

    @property
    def channels(self) -> dict[str, Slack | Email | Webhook]:
        """Every channel that has settings, by name, in the order in which one stands in."""
        return {"slack": self.slack, "email": self.email, "webhook": self.webhook}

    @property
    def configured(self) -> tuple[str, ...]:
        """The channels whose settings suffice; the console only where none do. Never empty."""
        return tuple(name for name, each in self.channels.items() if each.ready) or (CONSOLE,)
