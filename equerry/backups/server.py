"""The database server: connected to, described, and its errors in words that help."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from bson import Timestamp
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from pymongo import MongoClient
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from equerry.backups.names import shown
from equerry.errors import BackupError, SettingsError

Document = dict[str, Any]
Client = MongoClient[Document]

# Options and indexes are kept as they are: a date beyond year 9999 too.
EXACT: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)

APP_NAME = "equerry backup"
SELECT_MS = 10_000
# A server that says nothing for so long is taken for gone; an address may give another figure.
SILENCE_MS = 120_000

UNAUTHORIZED, AUTHENTICATION_FAILED, NAMESPACE_NOT_FOUND = 13, 18, 26
SNAPSHOT_TOO_OLD, SNAPSHOT_UNAVAILABLE = 239, 246
SNAPSHOT_LOST = frozenset({SNAPSHOT_TOO_OLD, SNAPSHOT_UNAVAILABLE})
# Snapshot reads outside of transactions: MongoDB 5.0.
SNAPSHOT_WIRE_VERSION = 13

NO_REPLICA_SET = "the server is no replica set: it has no snapshots"
TOO_OLD_FOR_SNAPSHOTS = "the server is older than MongoDB 5.0: it has no snapshots"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of itself. why_no_snapshot: empty where it offers them."""

    hosts: str
    version: str
    why_no_snapshot: str
    operation_time: tuple[int, int] | None


@contextmanager
def connected(uri: str) -> Iterator[Client]:
    """Yield a client of the database. Raises SettingsError without an address, or for a wrong one.

    Nothing is sent yet: the first command finds out whether there is a server.
    """
    if not uri:
        raise SettingsError(
            "backups.uri: no database to back up. Set EQUERRY_MONGODB_URI (or EQUERRY_MONGODB_"
            "URI_FILE), e.g. mongodb://backup:password@db.example.org/?authSource=admin"
        )
    wanted = {"serverSelectionTimeoutMS": SELECT_MS, "socketTimeoutMS": SILENCE_MS}
    given: dict[str, Any] = {
        name: value for name, value in wanted.items() if name.lower() not in uri.lower()
    }
    try:
        client: Client = MongoClient(uri, appname=APP_NAME, **given)
    except (InvalidURI, ConfigurationError, ValueError):
        # Its message may hold a piece of a password that was not quoted.
        raise SettingsError(
            "backups.uri: this is no address of a MongoDB server. Characters such as @ : / % in a"
            " password are written %40 %3A %2F %25."
        ) from None
    with client:
        yield client


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn pymongo's errors into one sentence that says what to do. Raises BackupError."""
    try:
        yield
    except PyMongoError as error:
        raise BackupError(f"{doing}: {advice(error)}") from error
    except BSONError as error:
        said = shown(str(error))
        raise BackupError(f"{doing}: the server sent what is no BSON: {said}") from error


def advice(error: PyMongoError) -> str:
    """Return what happened, and what to do about it."""
    if isinstance(error, ServerSelectionTimeoutError):
        return (
            f"no server answered within {SELECT_MS // 1000} s: {shown(_first(str(error)))}."
            " Check that it runs and that backups.uri names it."
        )
    if isinstance(error, AutoReconnect):
        return f"the connection broke: {shown(_first(str(error)))}"
    if isinstance(error, OperationFailure):
        said = shown(_first(str(error)))
        if error.code == UNAUTHORIZED:
            return f"the server refuses it: {said}. Its user needs the role `backup`."
        if error.code == AUTHENTICATION_FAILED:
            return f"the server does not know this user or password: {said}"
        return f"the server says: {said}"
    return shown(_first(str(error)))


def describe(client: Client) -> Server:
    """Ask a server what it is. Raises BackupError."""
    with told("The database cannot be asked"):
        build = client.admin.command("buildInfo")
        hello = client.admin.command("hello")
    time = hello.get("operationTime")
    hosts = sorted(f"{host}:{port}" for host, port in client.nodes) or ["?"]
    return Server(
        hosts=shown(", ".join(hosts)),
        version=shown(str(build.get("version", "unknown"))),
        why_no_snapshot=_why_no_snapshot(hello),
        operation_time=(time.time, time.inc) if isinstance(time, Timestamp) else None,
    )


def _why_no_snapshot(hello: Document) -> str:
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        return NO_REPLICA_SET
    if int(hello.get("maxWireVersion", 0)) < SNAPSHOT_WIRE_VERSION:
        return TOO_OLD_FOR_SNAPSHOTS
    return ""


def _first(text: str) -> str:
    """Return what stands before pymongo's description of the whole topology."""
    return text.partition(", full error:")[0].partition(", Timeout:")[0]
