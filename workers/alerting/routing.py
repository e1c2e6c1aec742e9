"""Which channels a finding goes to, by the settings and by what is disabled."""

import msgspec

from equerry.alerts import channel_state, policy
from equerry.finding import Finding
from equerry.redis_client import Redis
from equerry.settings import Settings
from workers.alerting import channels


def targets(settings: Settings) -> dict[str, str]:
    """Return a digest of each channel's settings."""
    return {
        name: channel_state.digest(section)
        for name, section in msgspec.structs.asdict(settings.alerts).items()
        if name in channels.CHANNELS
    }


class Router:
    """Routes by the settings and the channels' state, read once per decision."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._routes = settings.alerts.routes
        self._configured = channels.configured(settings)
        self._disabled = frozenset(channel_state.disabled(redis, targets(settings)))

    def channels(self, finding: Finding) -> tuple[str, ...]:
        """Return the channels for this finding, never none."""
        routed = self._routes.channels(finding.severity)
        return policy.route(routed, self._configured, self._disabled)
