"""One whole Equerry for all tests of this folder."""

from collections.abc import Iterator

import pytest
from alerted_site import MAIL_PASSWORD, PROJECTS, SLACK_TOKEN, TOML, WEBHOOK_SECRET, Site
from installation import Installation, short_folder
from receivers import HttpReceiver, SmtpSink


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Everything started as `equerry up` starts it, alerting to three real receivers."""
    with (
        short_folder() as folder,
        HttpReceiver() as slack,
        HttpReceiver() as webhook,
        SmtpSink(auth=("bot", MAIL_PASSWORD)) as mail,
    ):
        environ = {
            "EQUERRY_SLACK_WEBHOOK_URL": f"{slack.url}/services/{SLACK_TOKEN}",
            "EQUERRY_WEBHOOK_URL": f"{webhook.url}/alerts",
            "EQUERRY_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "EQUERRY_SMTP_URL": mail.url.replace("://", f"://bot:{MAIL_PASSWORD}@"),
        }
        equerry = Installation(folder, toml=TOML, projects=PROJECTS, environ=environ)
        try:
            equerry.start()
            yield Site(equerry, slack, webhook, mail)
        finally:
            equerry.close()
