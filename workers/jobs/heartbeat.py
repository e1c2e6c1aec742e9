"""Asks for a URL outside: whoever watches it hears of a dead Equerry by its silence."""

from equerry import outbound
from equerry.errors import EquerryError
from workers.jobs.job import Context, Outcome


def run(context: Context) -> Outcome:
    """Ask once. Raises EquerryError where the answer is not a success."""
    settings = context.settings
    if not settings.heartbeat.url:
        return Outcome({"heartbeat": "not configured"})
    answer = outbound.get(settings.heartbeat.url, {}, allow_private=settings.alerts.allow_private)
    if not 200 <= answer.status < 300:  # noqa: PLR2004, HTTP's success range
        raise EquerryError(f"the heartbeat URL answered {answer.status}")
    return Outcome({"status": answer.status})
