"""What the operations work with, and what they are asked."""

from pathlib import Path
from typing import Any

import msgspec

from equerry import keys
from equerry.redis_client import Redis
from equerry.settings import Project, Settings


class Desk(msgspec.Struct, frozen=True):
    """Settings and the index."""

    settings: Settings
    redis: Redis

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.settings.data_path / "archive"

    @property
    def scopes(self) -> dict[str, str]:
        """Every project's scope → slug."""
        return {keys.scope(each.id): each.slug for each in self.settings.projects}

    def project(self, slug: str) -> Project | None:
        """Return the project of this slug, in any case, or None."""
        wanted = slug.casefold()
        return next((each for each in self.settings.projects if each.slug == wanted), None)


class Asked(msgspec.Struct, frozen=True):
    """One request, read by its operation's tables.

    place: what stood in the path. query, body: what was given, by the names of the tables.
    by: the name of the token. now_ms: when it came, epoch milliseconds.
    """

    place: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]
    by: str
    scopes: tuple[str, ...]
    now_ms: int
