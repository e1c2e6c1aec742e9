"""`equerry config check`: the settings as they are in force, with nothing secret in them."""

import importlib.util
import re
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from equerry import settings_file
from equerry.settings import Settings
from equerry.source_maps.position import INSTALL

MASK = "***"

# `projects.key` is public to browsers, but it does let its holder report.
SECRETS = frozenset(
    variable.setting for variable in settings_file.VARIABLES.values() if variable.secret
) | {"projects.key"}

_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_WEB_PATH = re.compile(r"^(https?://[^/?#]*)[/?#].*$", re.DOTALL)
_QUERY_SECRET = re.compile(r"(?i)([?&](?:password|token|key|secret)=)[^&\s]*")


def masked(setting: str, value: Any) -> Any:  # noqa: ANN401 - any value of a settings tree
    """Return a setting's value without what is secret in it.

    A secret address keeps its scheme and host: they are what one wants to check. The path of a
    secret web address is its password (Slack's), a database number or a mail host is not.
    """
    if not isinstance(value, str) or not value:
        return value
    secret = setting in SECRETS
    if secret and "://" not in value:
        return MASK
    shown = _QUERY_SECRET.sub(rf"\g<1>{MASK}", _USERINFO.sub(f"{MASK}@", value))
    return _WEB_PATH.sub(rf"\g<1>/{MASK}", shown) if secret else shown


def tree(settings: Settings) -> dict[str, Any]:
    """Return the effective tree as plain values, masked."""
    plain: dict[str, Any] = _masked_tree("", msgspec.to_builtins(settings))
    return plain


def _masked_tree(setting: str, value: Any) -> Any:  # noqa: ANN401 - any value of a settings tree
    if isinstance(value, dict):
        return {
            key: _masked_tree(f"{setting}.{key}" if setting else key, item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked_tree(setting, item) for item in value]
    return masked(setting, value)


def lines(plain: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield `section.key = value` for each setting, in the tree's order."""
    for key, value in plain.items():
        if isinstance(value, dict) and value:
            yield from lines(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                yield from lines(item, f"{prefix}{key}[{index}].")
        else:
            yield f"{prefix}{key} = {msgspec.json.encode(value).decode()}"


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def check(*, as_json: bool) -> None:
    """Check the settings and print them as they are in force, secrets masked."""
    plain = tree(settings_file.load())
    if importlib.util.find_spec("symbolic") is None:
        click.echo(f"equerry: source maps are kept, but not read: {INSTALL}", err=True)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
        return
    for line in lines(plain):
        click.echo(line)
