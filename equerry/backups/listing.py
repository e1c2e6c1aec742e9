"""What a server has: databases, their collections with options and indexes, and their sizes."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from bson import Binary
from pymongo.errors import OperationFailure

from equerry.backups import names, server
from equerry.backups.manifest import Kind, LeftOut
from equerry.backups.metadata import NONE, extended_json
from equerry.backups.selection import ADMIN, CONFIG, OWN, Selection, is_elsewhere
from equerry.backups.server import EXACT, Client
from equerry.errors import BackupError

UNREADABLE = "the server does not let this user read it; the role `backup` would"
NO_BUCKETS = "the server keeps no buckets for this time series, and cannot be dumped otherwise"
UNKNOWN_KIND = "this Equerry does not know its type: "


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A collection that is to be dumped. source: the name that its documents are read from.

    options, indexes: canonical Extended JSON. size_bytes, average_bytes: of its documents, as the
    server estimates them; 0 where it does not say.
    """

    db: str
    name: str
    kind: Kind
    uuid: str
    options: msgspec.Raw
    indexes: msgspec.Raw
    source: str
    capped: bool = False
    size_bytes: int = 0
    average_bytes: int = 0

    @property
    def namespace(self) -> str:
        """Its full name."""
        return f"{self.db}.{self.name}"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """All that is to be dumped, and what is not, with the reason."""

    databases: tuple[str, ...]
    found: tuple[Found, ...]
    left_out: tuple[LeftOut, ...]


def read(client: Client, selection: Selection, *, again: bool = False) -> Listing:
    """List everything. Raises BackupError; a name asked for must be there, the first time."""
    taken, left_out = _databases(client, selection, again=again)
    found: list[Found] = []
    for database in taken:
        names.folder(database)
        try:
            for each in _collections(client, database, selection):
                (found if isinstance(each, Found) else left_out).append(each)  # type: ignore[arg-type]
        except OperationFailure as error:
            if database not in OWN or error.code != server.UNAUTHORIZED:
                with server.told(f"{names.shown(database)} cannot be listed"):
                    raise
            left_out.append(LeftOut(db=database, why=UNREADABLE))
    return Listing(databases=tuple(taken), found=tuple(found), left_out=tuple(left_out))


def _databases(
    client: Client, selection: Selection, *, again: bool
) -> tuple[list[str], list[LeftOut]]:
    with server.told("The databases cannot be listed"):
        # Else a user who may not list all is told of his own only, as if there were no others.
        wanted: dict[str, Any] = {} if selection.databases else {"authorizedDatabases": False}
        said = client.list_databases(nameOnly=True, **wanted)
        present = sorted(str(each["name"]) for each in said)
    if (unknown := selection.unknown(present)) and not again:
        there = ", ".join(names.shown(each) for each in present) or "none"
        raise BackupError(f"there is no database {names.shown(unknown[0])!r}; there are: {there}")
    skipped = {each: why for each in present if (why := selection.skip_database(each))}
    return (
        [each for each in present if each not in skipped],
        [LeftOut(db=each, why=why) for each, why in skipped.items()],
    )


def _collections(client: Client, database: str, selection: Selection) -> Iterator[Found | LeftOut]:
    handle = client.get_database(database, codec_options=EXACT)
    with server.told(f"{names.shown(database)} cannot be listed"):
        try:
            infos = sorted(handle.list_collections(), key=lambda info: str(info["name"]))
        except OperationFailure as error:
            if error.code == server.UNAUTHORIZED and database in {ADMIN, CONFIG}:
                yield LeftOut(db=database, why=UNREADABLE)
                return
            raise
    present = {str(info["name"]) for info in infos}
    for info in infos:
        name = str(info["name"])
        if why := selection.skip_collection(database, name):
            if not is_elsewhere(name):
                yield LeftOut(db=database, name=name, why=why)
            continue
        yield _found(client, database, info, present)


def _found(
    client: Client, database: str, info: Mapping[str, Any], present: set[str]
) -> Found | LeftOut:
    name, said = str(info["name"]), str(info.get("type", Kind.COLLECTION))
    if said not in set(Kind):
        return LeftOut(db=database, name=name, why=UNKNOWN_KIND + names.shown(said))
    kind = Kind(said)
    source = names.BUCKETS + name if kind is Kind.TIME_SERIES else name
    if source not in present:
        return LeftOut(db=database, name=name, why=NO_BUCKETS)
    options = info.get("options") or {}
    size, average = (0, 0) if kind is Kind.VIEW else _size(client, database, source)
    return Found(
        db=database,
        name=name,
        kind=kind,
        uuid=_uuid(info),
        options=extended_json(options) if options else NONE,
        indexes=extended_json([] if kind is Kind.VIEW else _indexes(client, database, name)),
        source=source,
        capped=bool(options.get("capped")),
        size_bytes=size,
        average_bytes=average,
    )


def _indexes(client: Client, database: str, name: str) -> list[Any]:
    handle = client.get_database(database, codec_options=EXACT)
    with server.told(f"The indexes of {names.shown(f'{database}.{name}')} cannot be listed"):
        try:
            # By command: servers hold names that pymongo refuses, such as `a..b`.
            return list(handle.cursor_command("listIndexes", name, codec_options=EXACT))
        except OperationFailure as error:
            if error.code == server.NAMESPACE_NOT_FOUND:  # dropped since it was listed
                return []
            raise


def _size(client: Client, database: str, name: str) -> tuple[int, int]:
    """Return bytes and average bytes; zeros where the server does not tell: a guess will do."""
    try:
        said = client[database].command("collStats", name)
        return int(said.get("size", 0)), int(said.get("avgObjSize", 0))
    except (OperationFailure, TypeError, ValueError):
        return 0, 0


def _uuid(info: Mapping[str, Any]) -> str:
    said = (info.get("info") or {}).get("uuid")
    return bytes(said).hex() if isinstance(said, Binary) else ""
