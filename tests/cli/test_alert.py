import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from click.testing import Result
from receivers import HttpReceiver, Reply

from equerry import clock, keys, queue
from equerry.alert_settings import Alerts, Webhook
from equerry.alerts import channel_state, outbox
from equerry.redis_client import Redis, connect
from equerry.settings import Settings
from workers.alerting import deliver

Cli = Callable[..., Result]
Work = Callable[[Settings], None]


@pytest.fixture(autouse=True)
def fresh_app(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the queue take this test's settings."""
    app = queue.make_app()
    monkeypatch.setattr(queue, "app", app)
    yield
    app.close()


@pytest.fixture
def alive(redis: Redis) -> None:
    """Let a worker have said a word."""
    redis.zadd(keys.workers(), {"worker@here": clock.now_ms()})


@pytest.fixture
def work(alive: None, redis: Redis) -> Iterator[Work]:
    """Deliver what becomes due with these settings, as a worker does, until the test ends."""
    assert alive is None
    ended = threading.Event()
    threads: list[threading.Thread] = []
    url = str(redis.connection_pool.connection_kwargs["path"])

    def start(settings: Settings) -> None:
        def run() -> None:
            client = connect(f"unix://{url}")
            while not ended.wait(0.02):
                for id_ in outbox.due(client, keys.SITE, clock.now_ms()):
                    deliver.deliver(client, settings, keys.SITE, id_, lambda: 0.0)
            client.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield start
    ended.set()
    for thread in threads:
        thread.join()


def with_webhook(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with this webhook, and let the verb read the same."""
    monkeypatch.setenv("EQUERRY_WEBHOOK_URL", url)
    monkeypatch.setenv("EQUERRY_WEBHOOK_SECRET", "s")
    monkeypatch.setenv("EQUERRY_ALERT_ALLOW_PRIVATE", "yes")
    alerts = Alerts(allow_private=True, webhook=Webhook(url=url, secret="s"))
    return msgspec.structs.replace(settings, alerts=alerts)


def audit(redis: Redis) -> list[dict[str, Any]]:
    """Return the audit's lines on their way to the archive."""
    return [msgspec.json.decode(fields[b"d"]) for _, fields in redis.xrange(keys.events("site"))]


def test_taken(
    redis: Redis, settings: Settings, cli: Cli, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrives says that it is a test, and by whom; the verb says sent."""
    with HttpReceiver() as receiver:
        work(with_webhook(settings, receiver.url, monkeypatch))
        done = cli("alert", "test")
        assert (done.exit_code, done.stdout, done.stderr) == (0, "webhook  sent\n", "")
        body = receiver.requests[0].body.decode()
        assert "Test alert" in body
        assert " on " in body
        assert redis.llen("celery:deliver") == 1
    assert [line["what"] for line in audit(redis)] == ["queued", "sent"]
    assert redis.hlen(keys.outbox("site")) == 0


def test_taken_by_a_disabled_channel(
    redis: Redis, settings: Settings, cli: Cli, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel that was disabled gets the test, and is enabled by taking it."""
    with HttpReceiver() as receiver:
        ours = with_webhook(settings, receiver.url, monkeypatch)
        channel_state.disable(redis, "webhook", channel_state.Disabled(1, "404", "digest"))
        work(ours)
        done = cli("alert", "test", "--channel", "webhook", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "channel": "webhook",
        "state": "sent",
        "enabled_again": True,
    }
    assert not channel_state.is_disabled(redis, "webhook")
    assert audit(redis)[-1]["what"] == "channel-enabled"


def test_failed(
    redis: Redis, settings: Settings, cli: Cli, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused for now: the reason, the next try, exit code 1; a disabled channel stays so."""
    with HttpReceiver(*[Reply(503)] * 9) as receiver:
        channel_state.disable(redis, "webhook", channel_state.Disabled(1, "404", "digest"))
        work(with_webhook(settings, receiver.url, monkeypatch))
        done = cli("alert", "test")
    assert done.exit_code == 1
    assert done.stdout.startswith("webhook  failed: ")
    assert "503" in done.stdout
    assert f"; the next try is at {clock.day(clock.now_ms())}T" in done.stdout
    assert channel_state.is_disabled(redis, "webhook")


def test_dead(
    redis: Redis, settings: Settings, cli: Cli, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused for good: told, and not kept as an alert that nobody got."""
    with HttpReceiver(Reply(404)) as receiver:
        work(with_webhook(settings, receiver.url, monkeypatch))
        done = cli("alert", "test")
    assert done.exit_code == 1
    assert done.stdout.startswith("webhook  refused for good: ")
    assert redis.hlen(keys.outbox_dead("site")) == 0
    assert channel_state.is_disabled(redis, "webhook")


@pytest.mark.usefixtures("alive")
def test_no_answer(redis: Redis, cli: Cli) -> None:
    """The wait has an end; the test stays in the outbox for whoever takes it up."""
    done = cli("alert", "test", "--wait", "0.3")
    assert done.exit_code == 1
    assert done.stdout.startswith("console  no answer within 0.3 s")
    assert redis.hlen(keys.outbox("site")) == 1


def test_no_worker(redis: Redis, cli: Cli) -> None:
    """Without a worker it says so at once, and leaves nothing to be sent hours later."""
    redis.zadd(keys.workers(), {"worker@here": clock.now_ms() - 60_000})
    done = cli("alert", "test")
    assert done.exit_code == 1
    assert done.stderr.startswith("equerry: no worker is alive")
    assert redis.hlen(keys.outbox("site")) == 0


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--channel", "slack"), "slack is not configured: set alerts.slack.webhook_url"),
        (("--channel", "webhook", "--channel", "console"), "EQUERRY_WEBHOOK_SECRET"),
        (("--channel", "pigeon"), "'pigeon' is not one of"),
    ],
)
def test_refused(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    """A channel that cannot be meant is exit code 2, with what would mend it."""
    done = cli("alert", "test", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_redis_away(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis it is one line that names the setting, exit code 2."""
    monkeypatch.setenv("EQUERRY_REDIS_URL", "redis://127.0.0.1:1/0")
    done = cli("alert", "test")
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("equerry: redis.url (EQUERRY_REDIS_URL): ")
