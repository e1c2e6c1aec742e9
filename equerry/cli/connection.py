"""A verb's connection to Redis, and the one line that it ends in where Redis is away."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from redis.exceptions import RedisError

from equerry import keys
from equerry.cli.config import masked
from equerry.errors import SettingsError
from equerry.redis_client import Redis, connect
from equerry.settings import Settings


@contextmanager
def connected(settings: Settings, *, timeout_seconds: float = 4.0) -> Iterator[Redis]:
    """Yield a client. Raises SettingsError, which names the setting, for every fault of Redis."""
    client = connect(settings.redis_url, timeout_seconds=timeout_seconds)
    try:
        yield client
    except (RedisError, OSError) as error:
        raise away(settings, error) from error
    finally:
        client.close()


def away(settings: Settings, error: Exception) -> SettingsError:
    """Return the error to raise: where Redis was looked for, without its password, and why not."""
    place = masked("redis.url", settings.redis_url)
    hint = "" if settings.redis.url else " Is `equerry up` running?"
    return SettingsError(f"redis.url (EQUERRY_REDIS_URL): {place}: {str(error).rstrip('.')}.{hint}")


def projects(settings: Settings, slug: str | None = None) -> dict[str, str]:
    """Return scope → the project's slug, of one project or of all.

    Raises click.BadParameter for a slug that no project has.
    """
    return _chosen({keys.scope(project.id): project.slug for project in settings.projects}, slug)


def scopes(settings: Settings, slug: str | None = None) -> dict[str, str]:
    """Return scope → slug, of one project or of all and the installation itself, as `projects`."""
    return _chosen(projects(settings) | {keys.SITE: keys.SITE}, slug)


def _chosen(names: dict[str, str], slug: str | None) -> dict[str, str]:
    chosen = {scope: name for scope, name in names.items() if slug in {None, name}}
    if not chosen:
        known = ", ".join(names.values())
        raise click.BadParameter(f"no project {slug!r}; there is {known}", param_hint="--project")
    return chosen
