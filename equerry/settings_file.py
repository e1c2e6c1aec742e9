"""Reads the settings: `equerry.toml`, then `EQUERRY_*` over it, checked by name."""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from equerry.alert_settings import CONSOLE
from equerry.errors import SettingsError
from equerry.settings import Settings

# 32 bytes in base64.
_PUBLIC_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
DEFAULT_FILE = "equerry.toml"


def _text(value: str) -> str:
    return value


def _list(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _truth(value: str) -> bool:
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError("takes true or false")


class Variable(NamedTuple):
    """One environment variable: the setting it sets, and how its text is read."""

    setting: str
    parse: Callable[[str], Any]
    secret: bool = False


# Each may also be given as NAME_FILE, naming a file that holds the value.
VARIABLES: dict[str, Variable] = {
    "EQUERRY_DATA_DIR": Variable("data_dir", _text),
    "EQUERRY_TIMEZONE": Variable("timezone", _text),
    "EQUERRY_LOG_FORMAT": Variable("log_format", _text),
    "EQUERRY_REDIS_URL": Variable("redis.url", _text, secret=True),
    "EQUERRY_REDIS_FSYNC": Variable("redis.fsync", _text),
    "EQUERRY_API_HOST": Variable("api.host", _text),
    "EQUERRY_API_PORT": Variable("api.port", int),
    "EQUERRY_DASHBOARD_HOST": Variable("dashboard.host", _text),
    "EQUERRY_DASHBOARD_PORT": Variable("dashboard.port", int),
    "EQUERRY_DASHBOARD_HOSTS": Variable("dashboard.hosts", _list),
    "EQUERRY_FLOWER_HOST": Variable("flower.host", _text),
    "EQUERRY_FLOWER_PORT": Variable("flower.port", int),
    "EQUERRY_WORKER_CONCURRENCY": Variable("worker.concurrency", int),
    "EQUERRY_RATE_PER_ADDRESS": Variable("api.rate_per_address", float),
    "EQUERRY_RATE_PER_KEY": Variable("api.rate_per_key", float),
    "EQUERRY_TRUSTED_PROXIES": Variable("api.trusted_proxies", _list),
    "EQUERRY_METRICS_TOKEN": Variable("api.metrics_token", _text, secret=True),
    "EQUERRY_MONGODB_URI": Variable("backups.uri", _text, secret=True),
    "EQUERRY_BACKUP_FOLDER": Variable("backups.folder", _text),
    "EQUERRY_SLACK_WEBHOOK_URL": Variable("alerts.slack.webhook_url", _text, secret=True),
    "EQUERRY_SMTP_URL": Variable("alerts.email.smtp_url", _text, secret=True),
    "EQUERRY_ALERT_EMAIL_TO": Variable("alerts.email.to", _list),
    "EQUERRY_ALERT_EMAIL_FROM": Variable("alerts.email.sender", _text),
    "EQUERRY_WEBHOOK_URL": Variable("alerts.webhook.url", _text, secret=True),
    "EQUERRY_WEBHOOK_SECRET": Variable("alerts.webhook.secret", _text, secret=True),
    "EQUERRY_ALERT_ALLOW_PRIVATE": Variable("alerts.allow_private", _truth),
    "EQUERRY_HEARTBEAT_URL": Variable("heartbeat.url", _text, secret=True),
    "EQUERRY_SENTRY_DSN": Variable("sentry.dsn", _text, secret=True),
}

# Read elsewhere: where this file is.
OTHER_VARIABLES = frozenset({"EQUERRY_CONFIG"})


def path(environ: Mapping[str, str]) -> Path:
    """Return where the settings file is: `EQUERRY_CONFIG`, or `equerry.toml` here."""
    return Path(environ.get("EQUERRY_CONFIG") or DEFAULT_FILE)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the whole tree once.

    Raises SettingsError, whose message names the setting or the variable and what it takes.
    """
    environ = os.environ if environ is None else environ
    file = path(environ)
    tree = _read(file)
    # A relative folder in the file is beside the file, whatever folder a verb is called from.
    data_dir = tree.get("data_dir", Settings().data_dir)
    if isinstance(data_dir, str):
        tree["data_dir"] = str(file.parent / data_dir)
    for name, text in _given(environ).items():
        variable = VARIABLES[name]
        try:
            value = variable.parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from error
        _put(tree, variable.setting, value)
    try:
        settings = msgspec.convert(tree, Settings, strict=True)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(error, file, tree)) from error
    check(settings)
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file}: no such file. `equerry up` writes one, or EQUERRY_CONFIG names another."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in environ.items():
        if not name.startswith("EQUERRY_") or name in OTHER_VARIABLES:
            continue
        base = name.removesuffix("_FILE")
        if base not in VARIABLES:
            raise SettingsError(f"{name}: no such setting. docs/settings.md lists them.")
        if name in VARIABLES:
            given[name] = text
            continue
        try:
            given[base] = Path(text).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}: {error}") from error
    return given


def _put(tree: dict[str, Any], setting: str, value: object) -> None:
    *sections, key = setting.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[key] = value


def _explain(error: msgspec.ValidationError, file: Path, tree: dict[str, Any]) -> str:
    """Turn «… - at `$.api.port`» into «equerry.toml: api.port: …»."""
    what, _, where = str(error).partition(" - at `$.")
    unknown = re.search(r"unknown field `(.+?)`", what)
    place = _with_rule_name(where.rstrip("`"), tree)
    if unknown:
        name = ".".join(part for part in (place, unknown[1]) if part)
        return f"{file}: {name}: no such setting. docs/settings.md lists them."
    return f"{file}: {place or 'top level'}: {what[:1].lower()}{what[1:]}"


def _with_rule_name(place: str, tree: dict[str, Any]) -> str:
    """Turn `severity.rules[0].severity` into `severity.rules 'checkout'.severity`, to find it."""
    rule = re.match(r"severity\.rules\[(\d+)\]", place)
    if rule is None:
        return place
    given = tree["severity"]["rules"][int(rule[1])]
    name = given.get("name", f"number {int(rule[1]) + 1}") if isinstance(given, dict) else "?"
    return f"severity.rules {name!r}{place[rule.end() :]}"


def check(settings: Settings) -> None:
    """Check what a type cannot say. Raises SettingsError, which names the setting."""
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"timezone: {settings.timezone!r} is no IANA zone") from error
    for field in ("id", "slug", "key"):
        values = [getattr(project, field) for project in settings.projects]
        if len(set(values)) < len(values):
            raise SettingsError(f"projects: two projects share one {field}")
    if settings.redis.url and not settings.redis.url.startswith(
        ("redis://", "rediss://", "unix://")
    ):
        raise SettingsError("redis.url: takes redis://, rediss:// or unix://")
    if settings.backups.uri and not settings.backups.uri.startswith(
        ("mongodb://", "mongodb+srv://")
    ):
        raise SettingsError("backups.uri: takes mongodb:// or mongodb+srv://")
    for key in settings.backups.trusted_keys:
        if not _PUBLIC_KEY.fullmatch(key):
            raise SettingsError(
                f"backups.trusted_keys: {key[:60]!r} is no public key; `equerry backup keys` on the"
                " other machine prints one"
            )
    for network in settings.api.trusted_proxies:
        try:
            ip_network(network)
        except ValueError as error:
            raise SettingsError(f"api.trusted_proxies: {error}") from error
    _check_rules(settings)
    _check_channels(settings)


def _check_rules(settings: Settings) -> None:
    names = [rule.name for rule in settings.severity.rules]
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
            raise SettingsError(f"severity.rules: {name!r}: a rule's name is a-z, 0-9 and hyphens")
        if names.count(name) > 1:
            raise SettingsError(f"severity.rules: two rules are named {name!r}")


def _check_channels(settings: Settings) -> None:
    alerts = settings.alerts
    for setting, url in (
        ("alerts.slack.webhook_url", alerts.slack.webhook_url),
        ("alerts.webhook.url", alerts.webhook.url),
        ("heartbeat.url", settings.heartbeat.url),
    ):
        if url and not url.startswith(("https://", "http://")):
            raise SettingsError(f"{setting}: takes an http:// or https:// address")
    if alerts.webhook.url and not alerts.webhook.secret:
        raise SettingsError("alerts.webhook.secret: a webhook needs a secret to sign with")
    if alerts.email.smtp_url and not alerts.email.smtp_url.startswith(("smtp://", "smtps://")):
        raise SettingsError("alerts.email.smtp_url: takes smtp:// or smtps://")
    if alerts.email.smtp_url and not alerts.email.to:
        raise SettingsError("alerts.email.to: mail is configured, but nobody to send it to")
    known = {*alerts.channels, CONSOLE}
    for severity in ("critical", "high", "medium", "low"):
        for name in getattr(alerts.routes, severity):
            if name not in known:
                raise SettingsError(
                    f"alerts.routes.{severity}: no channel {name!r}; there are {sorted(known)}"
                )
