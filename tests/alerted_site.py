"""A whole Equerry and everybody whom it alerts.

Each test reports to a project of its own, so that no test's alerts bundle with another's.
"""

import json
from typing import Any, NamedTuple

from installation import Installation, wait_until
from receivers import HttpReceiver, SmtpSink

from equerry import keys

BUNDLE_SECONDS = 2.0
WEBHOOK_SECRET = "the-receiver-knows-this-one"
SLACK_TOKEN = "T024BE7LD-B0SLACKTOKEN"
MAIL_PASSWORD = "the-relay-knows-this-one"
PROJECTS = (
    *("web", "repeats", "trust", "routes", "bundles", "ids", "metrics"),
    *("secrets", "own-secrets"),
)

TOML = f"""
[alerts]
bundle_seconds = {BUNDLE_SECONDS}
allow_private = true

[alerts.email]
to = ["oncall@example.org"]
"""


class Site(NamedTuple):
    """The installation and its receivers."""

    equerry: Installation
    slack: HttpReceiver
    webhook: HttpReceiver
    mail: SmtpSink

    def number(self, slug: str) -> int:
        """Return a project's id."""
        return PROJECTS.index(slug) + 1

    def report(self, slug: str, *errors: dict[str, Any]) -> list[str]:
        """Report errors in one request; return the ids they were accepted under."""
        answer = self.equerry.post("/api/errors", list(errors), project=self.number(slug))
        assert answer.status == 202, answer
        ids: list[str] = answer.body["ids"]
        return ids

    def settle(self, slug: str) -> None:
        """Wait until nothing of the project waits: events, findings, bundles, notifications."""
        number = self.number(slug)
        scope = keys.scope(number)
        self.equerry.wait_drained(number)
        with self.equerry.redis() as client:
            wait_until(lambda: not client.xlen(keys.findings(scope)), "findings are decided on")
            wait_until(lambda: not client.exists(keys.groups(scope)), "no bundle waits")
            wait_until(lambda: not client.exists(keys.outbox(scope)), "no notification waits")
        self.equerry.wait_drained(number)  # the audit's lines

    def told(self, marker: str) -> dict[str, list[str]]:
        """Return the messages that hold this marker, by channel."""
        return {
            "slack": [r.body.decode() for r in self.slack.requests if marker in r.body.decode()],
            "webhook": [
                r.body.decode() for r in self.webhook.requests if marker in r.body.decode()
            ],
            "email": [text for text in map(_plain, self.mail.messages) if marker in text],
        }

    def told_times(self, marker: str) -> dict[str, int]:
        """Return how many messages hold this marker, by channel."""
        return {channel: len(messages) for channel, messages in self.told(marker).items()}


def _plain(message: Any) -> str:
    part = message.get_body(("plain",))
    return f"{message['Subject']}\n{part.get_content()}"


def findings(message: str) -> list[dict[str, Any]]:
    """Return the findings of a webhook's body."""
    found: list[dict[str, Any]] = json.loads(message)["findings"]
    return found
