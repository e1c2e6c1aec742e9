"""Receivers that refuse, fail or hang: every alert arrives, and none is called sent before."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from installation import Installation, short_folder, wait_until
from receivers import HttpReceiver, Received, Reply, SmtpSink

from equerry import keys

pytestmark = pytest.mark.faults

RETRY_AFTER = 8
# Longer than a channel waits for an answer.
HANGS = Reply(wait_seconds=7)
LATER = Reply(429, headers={"Retry-After": str(RETRY_AFTER)})
FAULTS = (LATER, Reply(500), HANGS)
TOML = """
[alerts]
allow_private = true
bundle_seconds = 0
email.to = ["oncall@example.org"]
"""


class Site(NamedTuple):
    """An installation and whom it alerts."""

    equerry: Installation
    slack: HttpReceiver
    webhook: HttpReceiver
    mail: SmtpSink

    def report(self, cause: str) -> None:
        """Report a critical error."""
        error = {"name": cause, "message": "as a test", "boundary": "global"}
        assert self.equerry.post("/api/errors", error).status == 202

    def lines(self, what: str, channel: str = "") -> list[dict[str, Any]]:
        """Return the lines of the alerts' archive that say this."""
        return [
            line
            for line in self.equerry.archive("alerts")
            if line["what"] == what and channel in {"", line.get("channel")}
        ]

    def settle(self, seconds: float) -> None:
        """Wait until nothing is to be decided, sent or archived."""

        def settled() -> bool:
            with self.equerry.redis() as client:
                scopes = (keys.scope(1), keys.SITE)
                return not any(
                    client.xlen(keys.findings(s)) + client.zcard(keys.outbox_due(s)) for s in scopes
                )

        self.equerry.wait_drained(seconds=seconds)
        wait_until(settled, "every notification is sent or given up", seconds=seconds)
        self.equerry.wait_drained(seconds=seconds)


@pytest.fixture
def site() -> Iterator[Site]:
    """Everything but Flower, with three receivers."""
    with (
        short_folder() as folder,
        HttpReceiver() as slack,
        HttpReceiver() as webhook,
        SmtpSink() as mail,
    ):
        environ = {
            "EQUERRY_SLACK_WEBHOOK_URL": slack.url,
            "EQUERRY_WEBHOOK_URL": webhook.url,
            "EQUERRY_WEBHOOK_SECRET": "shared",
            "EQUERRY_SMTP_URL": mail.url,
        }
        lines = ("api", "worker", "jobs", "beat")
        equerry = Installation(folder, toml=TOML, lines=lines, environ=environ)
        try:
            equerry.start()
            yield Site(equerry, slack, webhook, mail)
        finally:
            equerry.close()


def took(request: Received) -> bool:
    """Whether the receiver said 2xx in time to be heard."""
    return request.reply.status // 100 == 2 and not request.reply.wait_seconds


@pytest.mark.timeout(900)
def test_each_alert_arrives_after_all(site: Site, is_long: bool) -> None:
    """Sent is what a receiver answered 2xx, once to each; Retry-After is waited for."""
    causes = [f"Cause{number}" for number in range(40 if is_long else 3)]
    chance = random.Random(len(causes))
    for receiver in (site.webhook, site.slack):
        for reply in (*FAULTS, *chance.choices(FAULTS, k=len(causes) - 1)):
            receiver.answer(reply)
    site.mail.on_data = "451 4.3.0 greylisted, come again"
    for cause in causes:
        site.report(cause)
    # Senders that wait for receivers that hang keep the line waiting that says so.
    wait_until(lambda: site.lines("attempt-failed", "email"), "mail is refused", seconds=120)
    site.mail.on_data = ""
    site.settle(seconds=600 if is_long else 90)
    sent = {
        channel: [line["notification"] for line in site.lines("sent", channel)]
        for channel in ("slack", "webhook", "email")
    }
    assert {channel: len(ids) for channel, ids in sent.items()} == dict.fromkeys(sent, len(causes))
    hooks = site.webhook.requests
    assert set(sent["webhook"]) == {
        each.headers["x-equerry-delivery"] for each in hooks if took(each)
    }
    told = [each.body.decode() for each in site.slack.requests if took(each)]
    assert all(sum(id_ in text for text in told) == 1 for id_ in sent["slack"])
    assert len(told) == len(sent["slack"])
    assert {mail["Message-ID"].split("@")[0][1:] for mail in site.mail.messages} == set(
        sent["email"]
    )
    failed = len([each for each in hooks if not took(each)])
    assert len(site.lines("attempt-failed", "webhook")) == failed >= len(FAULTS)
    assert site.lines("given-up") == []
    assert_retry_after(hooks)


def assert_retry_after(requests: list[Received]) -> None:
    """After a 429 the same alert does not come again before the time it was told."""
    checked = 0
    for number, request in enumerate(requests):
        delivery = request.headers["x-equerry-delivery"]
        later = [
            each
            for each in requests[number + 1 :]
            if each.headers["x-equerry-delivery"] == delivery
        ]
        if request.reply is LATER and later:
            assert later[0].time - request.time >= RETRY_AFTER - 0.1
            checked += 1
    assert checked


@pytest.mark.parametrize("status", [404, 410])
def test_channel_that_refuses_for_good_is_ended_aloud(site: Site, status: int) -> None:
    """The channel is asked once, the others tell of it and what it missed, and alerts go on."""
    site.webhook.default = Reply(status)
    site.report("Unheard")
    site.settle(seconds=30)
    assert len(site.webhook.requests) == 1
    assert site.lines("sent", "webhook") == []
    [given_up] = site.lines("given-up", "webhook")
    assert str(status) in given_up["detail"]
    notice = "Alert channel webhook is disabled"
    assert [text for text in slack_texts(site) if notice in text and "Unheard" in text]
    assert [mail for mail in site.mail.messages if notice in mail["Subject"]]
    site.report("Heard")
    site.settle(seconds=30)
    assert len(site.webhook.requests) == 1
    assert [text for text in slack_texts(site) if "Heard: as a test" in text]
    assert {line["channel"] for line in site.lines("sent")} == {"slack", "email"}


def test_hanging_receivers_do_not_hold_up_events(site: Site) -> None:
    """While every sender waits for a receiver that hangs, what is reported is still archived."""
    site.webhook.default = site.slack.default = HANGS
    for number in range(15):
        site.report(f"Cause{number}")
    site.webhook.wait_for(1)
    site.slack.wait_for(1)
    site.report("Meanwhile")

    def archived() -> bool:
        return any(line.get("name") == "Meanwhile" for line in site.equerry.archive("errors"))

    # Each sender waits 5 s; events come next, not after the 30 messages that wait.
    wait_until(archived, "the error is archived", seconds=13)


def slack_texts(site: Site) -> list[str]:
    """Return what Slack was told."""
    return [each.body.decode() for each in site.slack.requests]
