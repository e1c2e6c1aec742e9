"""Which channels a finding goes to, by the settings and by what is disabled."""

from equerry.alerts import channel_state, policy
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.settings import Settings


def targets(settings: Settings) -> dict[str, str]:
    """Return a digest of each channel's settings."""
    return {
        name: channel_state.digest(section) for name, section in settings.alerts.channels.items()
    }


class Router:
    """Routes by the settings and the channels' state, read once per decision."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._routes = settings.alerts.routes
        self._configured = settings.alerts.configured
        self._disabled = frozenset(channel_state.disabled(redis, targets(settings)))

    def channels(self, finding: Finding) -> tuple[str, ...]:
        """Return the channels for this finding, never none."""
        routed = self._routes.channels(finding.severity)
        return policy.route(routed, self._configured, self._disabled)
