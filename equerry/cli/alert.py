"""`equerry alert test`: whether alerts arrive."""

import getpass
import socket
import sys
import time
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console

from equerry import clock, queue, settings_file
from equerry.alert_settings import CONSOLE
from equerry.alerts import channel_state, trial
from equerry.alerts.notification import Notification
from equerry.alerts.trial import Result, State
from equerry.cli.connection import away, connected
from equerry.cli.printable import printable
from equerry.errors import EquerryError, SettingsError
from equerry.health import parts
from equerry.redis_client import Redis
from equerry.settings import Settings

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.1
NAME_COLUMNS = 9

# Channel → the settings that it takes.
SETTINGS = {
    "slack": "alerts.slack.webhook_url (EQUERRY_SLACK_WEBHOOK_URL)",
    "email": "alerts.email.smtp_url and .to (EQUERRY_SMTP_URL, EQUERRY_ALERT_EMAIL_TO)",
    "webhook": "alerts.webhook.url and .secret (EQUERRY_WEBHOOK_URL, EQUERRY_WEBHOOK_SECRET)",
    CONSOLE: "",
}


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a program reads of one channel's test. error and next_try: as in Result."""

    channel: str
    state: State
    error: str = ""
    next_try: str = ""
    enabled_again: bool = False


@click.group()
def alert() -> None:
    """Try out the alert channels."""


@alert.command()
@click.option(
    "--channel",
    "only",
    type=click.Choice(list(SETTINGS)),
    multiple=True,
    help="Only this channel; may be given again. All that are configured by default.",
)
@click.option(
    "--wait",
    "wait_seconds",
    default=WAIT_SECONDS,
    show_default=True,
    help="Seconds to wait for the channels' answers.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line and channel.")
def test(only: tuple[str, ...], wait_seconds: float, *, as_json: bool) -> None:
    """Send a test alert to each channel and wait for its answer.

    It goes the way that alerts go, through a worker, and says that it is a test. A disabled channel
    that takes it is enabled again. The console channel shows it where `equerry up` runs.

    Exit code 1: a channel did not take it, or no worker is alive.
    """
    settings = settings_file.load()
    names = _names(settings, only)
    with connected(settings) as redis:
        _check_workers(redis, settings)
        was_disabled = {name for name in names if channel_state.is_disabled(redis, name)}
        rows = _put(redis, settings, names)
        results = _wait(redis, rows, wait_seconds)
        told = [
            Told(
                found.channel,
                found.state,
                found.error,
                found.next_try,
                found.channel in was_disabled and found.state is State.SENT,
            )
            for found in results
        ]
    for each in told:
        click.echo(msgspec.json.encode(each).decode() if as_json else sentence(each, wait_seconds))
    if any(each.state is not State.SENT for each in told):
        sys.exit(1)


def _names(settings: Settings, only: Sequence[str]) -> tuple[str, ...]:
    configured = settings.alerts.configured
    for name in only:
        if name != CONSOLE and name not in configured:
            raise SettingsError(f"{name} is not configured: set {SETTINGS[name]}")
    return tuple(dict.fromkeys(only)) or configured


def _check_workers(redis: Redis, settings: Settings) -> None:
    part = parts.IN_REDIS["workers"](redis, settings, clock.now_ms())
    if not part.value["alive"]:
        raise EquerryError(
            "no worker is alive, so nothing can be sent: start `equerry up`, or the container"
            " `worker`. If it runs, it uses another Redis than redis.url (EQUERRY_REDIS_URL)"
        )


def _put(redis: Redis, settings: Settings, names: Sequence[str]) -> list[Notification]:
    by = f"{getpass.getuser()} on {socket.gethostname()}"
    now_ms = clock.now_ms()
    rows = [trial.notification(name, by, now_ms) for name in names]
    trial.put(redis, rows, now_ms)
    for row in rows:
        try:
            queue.ring(redis, queue.DELIVER, row.scope, row.id)
        except queue.OperationalError as error:
            raise away(settings, error) from error
    return rows


def _wait(redis: Redis, rows: Sequence[Notification], seconds: float) -> list[Result]:
    """Return each row's result, once none waits or the time is up."""
    deadline = time.monotonic() + seconds
    with Console(stderr=True).status("Waiting for the channels to answer"):
        while True:
            results = [trial.result(redis, row) for row in rows]
            waiting = any(found.state is State.WAITING for found in results)
            if not waiting or time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)
    for row, found in zip(rows, results, strict=True):
        if found.state is State.DEAD:
            trial.bury(redis, row)
    return results


def sentence(told: Told, waited_seconds: float) -> str:
    """Return one line for a person."""
    error = printable(told.error)
    match told.state:
        case State.SENT:
            what = "sent" + ("; it was disabled and is enabled again" * told.enabled_again)
        case State.FAILED:
            what = f"failed: {error}; the next try is at {told.next_try}"
        case State.DEAD:
            what = f"refused for good: {error}; the channel is disabled until a test gets through"
        case State.WAITING:
            what = f"no answer within {waited_seconds:g} s; `equerry tail alerts` will tell"
    return f"{told.channel:{NAME_COLUMNS}}{what}"
