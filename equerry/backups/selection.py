"""What a dump takes, and why not the rest: mongodump's rules, and what was asked for.

Source: mongo-tools 100.18, `shouldSkipSystemNamespace` and its successors.
"""

from collections.abc import Iterable

import msgspec

from equerry.backups import names

LOCAL, ADMIN, CONFIG = "local", "admin", "config"
INTERNAL = "__mdb_internal"
OWN = frozenset({LOCAL, ADMIN, CONFIG})
CONFIG_KEPT = frozenset(
    {"chunks", "collections", "databases", "settings", "shards", "tags", "version"}
)
SYSTEM = "system."
KEYS = "system.keys"
SCRIPTS = "system.js"
# What these hold is in the backup all the same: buckets with their series, views as metadata.
ELSEWHERE = frozenset({"system.views", "system.namespaces", "system.indexes"})

NOT_ASKED = "it was not asked for (--db)"
EXCLUDED = "it was excluded by choice"
OF_THE_SERVER = "it belongs to the running server; no restore wants it"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. databases: empty for all; exclude: `db` or `db.collection`."""

    databases: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def skip_database(self, database: str) -> str:
        """Return why a database is left out; empty where it is taken."""
        if self.databases and database not in self.databases:
            return NOT_ASKED
        if database in self.exclude:
            return EXCLUDED
        if database == LOCAL or database.startswith(INTERNAL):
            return OF_THE_SERVER
        return ""

    def skip_collection(self, database: str, name: str) -> str:
        """Return why a collection of a database that is taken is left out; empty: it is taken."""
        if f"{database}.{name}" in self.exclude:
            return EXCLUDED
        if database == ADMIN:
            return OF_THE_SERVER if name == KEYS else _reserved(name)
        if database == CONFIG:
            return "" if name in CONFIG_KEPT else OF_THE_SERVER
        if name.startswith(SYSTEM) and name != SCRIPTS:
            return OF_THE_SERVER
        return _reserved(name)

    def unknown(self, databases: Iterable[str]) -> list[str]:
        """Return what was asked for by name and is not there."""
        return sorted(set(self.databases) - set(databases))


def is_elsewhere(name: str) -> bool:
    """Say whether a collection is in the backup under another name, and so is not left out."""
    return name in ELSEWHERE or name.startswith(names.BUCKETS)


def _reserved(name: str) -> str:
    return "its name has a $: the server keeps such names for itself" if "$" in name else ""
