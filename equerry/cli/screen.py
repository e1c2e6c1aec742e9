"""The one screen that tells where everything is. Pure: settings in, text out."""

from pathlib import Path

from equerry.alert_settings import CONSOLE
from equerry.cli.address import base_url, dsn_of
from equerry.settings import Settings

REPORT = (
    '{"name":"TypeError","message":"Hello from curl","boundary":"global",'
    '"stack":"TypeError: Hello from curl\\n    at pay (checkout.js:1:1)"}'
)


def log_path(settings: Settings) -> Path:
    """Return where the processes' lines are kept."""
    return settings.data_path / "log" / "equerry.log"


def facts(settings: Settings) -> dict[str, object]:
    """Return what a program that reads the log may want to know; no password is in it."""
    api = base_url(settings.api.host, settings.api.port)
    return {
        "api": api,
        "dashboard": base_url(settings.dashboard.host, settings.dashboard.port),
        "flower": base_url(settings.flower.host, settings.flower.port),
        "flower_password_file": str(settings.data_path / "flower-password"),
        "dsn": {each.slug: dsn_of(each, api) for each in settings.projects},
        "channels": settings.alerts.configured,
        "archive": str(settings.data_path / "archive"),
        "log": str(log_path(settings)),
    }


def running(
    settings: Settings, settings_path: Path, flower_password: str, missing: tuple[str, ...]
) -> str:
    """Return the screen of a running Equerry; `missing` are the processes that don't answer."""
    api = base_url(settings.api.host, settings.api.port)
    dashboard = base_url(settings.dashboard.host, settings.dashboard.port)
    flower = base_url(settings.flower.host, settings.flower.port)
    redis = "EQUERRY_REDIS_URL" if settings.redis.url else f"embedded, fsync {settings.redis.fsync}"
    rows = [
        ("API", api),
        ("Operators", f"{dashboard}/api/v1/   `equerry token create` makes a token"),
        ("Flower", f"{flower}   user admin, password {flower_password}"),
        *((f"DSN {each.slug}", dsn_of(each, api)) for each in settings.projects),
        ("Alerts", _alerts(settings)),
        ("Redis", redis),
        ("Archive", str(settings.data_path / "archive")),
        ("Logs", f"here and in {log_path(settings)}"),
        ("Settings", str(settings_path)),
    ]
    width = max(len(name) for name, _ in rows) + 2
    table = "\n".join(f"  {name:{width}}{value}" for name, value in rows)
    return f"\n{_headline(missing)}\n\n{table}\n\n{_try(settings, api)}\n"


def _headline(missing: tuple[str, ...]) -> str:
    if not missing:
        return "Equerry is ready. Ctrl-C stops it."
    names = " and ".join(missing)
    return f"NOT READY: no answer from {names}; the lines above say why. Ctrl-C stops it."


def _alerts(settings: Settings) -> str:
    if settings.alerts.configured != (CONSOLE,):
        return ", ".join(settings.alerts.configured)
    return (
        "shown here; EQUERRY_SLACK_WEBHOOK_URL, EQUERRY_SMTP_URL or EQUERRY_WEBHOOK_URL send them"
    )


def _try(settings: Settings, api: str) -> str:
    if not settings.projects:
        return "No project may report yet: add a [[projects]] table to the settings."
    return (
        "Try it:\n"
        f"  curl {api}/api/errors -H 'X-Equerry-Key: {settings.projects[0].key}'"
        f" -H 'Content-Type: application/json' \\\n    -d '{REPORT}'"
    )
