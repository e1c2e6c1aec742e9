"""`equerry token`: who may use the operator's port."""

import click
import msgspec
from rich.table import Table
from rich.text import Text

from equerry import clock, settings_file, tokens
from equerry.cli import spans, tables
from equerry.cli.connection import connected
from equerry.errors import EquerryError
from equerry.tokens import Scope, Token


class Shown(msgspec.Struct, frozen=True):
    """A token as it is listed. Times are RFC 3339, empty for never; last_used is to the hour."""

    name: str
    scopes: tuple[Scope, ...]
    made_at: str
    last_used: str
    expires_at: str
    expired: bool


@click.group()
def token() -> None:
    """Make, list or revoke the tokens of the operator's port.

    A token is sent as `Authorization: Bearer eqy_…`. Only a hash of it is kept.
    """


@token.command()
@click.option("--name", required=True, help="Who uses it: it stands beside what they do.")
@click.option(
    "--scope",
    type=click.Choice([each.value for each in Scope]),
    default=Scope.READ.value,
    show_default=True,
    help="What it may do; write may read too.",
)
@click.option(
    "--expires", "lives_ms", metavar="SPAN", callback=spans.read, help="E.g. 12h, 90d, 52w."
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def create(name: str, scope: str, lives_ms: int, *, as_json: bool) -> None:
    """Make a token and print it, this one time."""
    settings = settings_file.load()
    now_ms = clock.now_ms()
    expires_ms = now_ms + lives_ms if lives_ms else 0
    with connected(settings) as redis:
        secret = tokens.make(redis, name, Scope(scope), now_ms, expires_ms)
    if as_json:
        row = {"name": name, "scope": scope, "expires_at": _time(expires_ms), "token": secret}
        click.echo(msgspec.json.encode(row))
        return
    click.echo(secret)
    until = f"until {_time(expires_ms)[:10]}" if expires_ms else "until it is revoked"
    click.echo(f"{name} may {scope} with it {until}. It is not shown again.", err=True)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(*, as_json: bool) -> None:
    """List the tokens, the oldest first; never their text."""
    settings = settings_file.load()
    with connected(settings) as redis:
        rows = [_shown(each, clock.now_ms()) for each in tokens.every(redis)]
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    if not rows:
        click.echo(
            "No tokens: nobody may use the operator's port. `equerry token create` makes one."
        )
        return
    _print(rows)


@token.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a token by its name; it is refused from the next request on."""
    settings = settings_file.load()
    with connected(settings) as redis:
        if not tokens.revoke(redis, name):
            raise EquerryError(f"no token {name!r}; `equerry token list` shows what there is")
    click.echo(f"{name} is revoked.")


def _shown(each: Token, now_ms: int) -> Shown:
    return Shown(
        name=each.name,
        scopes=each.scopes,
        made_at=_time(each.made_ms),
        last_used=_time(each.used_ms),
        expires_at=_time(each.expires_ms),
        expired=each.has_expired(now_ms),
    )


def _time(epoch_ms: int) -> str:
    return clock.rfc3339(epoch_ms) if epoch_ms else ""


def _print(rows: list[Shown]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("Name", "Scope", "Made (UTC)", "Last used", "Expires"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        expires = f"{row.expires_at[:10]}{' (expired)' if row.expired else ''}"
        table.add_row(
            Text(row.name),
            row.scopes[-1],
            row.made_at[:10],
            row.last_used[:13].replace("T", " ") + ("h" if row.last_used else "not yet"),
            expires if row.expires_at else "never",
        )
    tables.console().print(table)
