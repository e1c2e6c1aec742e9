"""Dumps of a real server: byte-identical, consistent in what they say, whole or not there."""

import contextlib
import gzip
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

import made_backup
import pytest
from bson import Binary, Int64, ObjectId, Regex, Timestamp, json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from cutting import Cutter
from mongo import Mongo
from pymongo import mongo_client, monitoring
from pymongo.errors import AutoReconnect, OperationFailure
from pyrage import x25519

from equerry import clock
from equerry import settings as tree
from equerry.backups import catalogue, dump, listing, moment, names, place, reading_back, space
from equerry.backups.catalogue import State
from equerry.backups.collection_dump import CollectionDump, Wait
from equerry.backups.dump import Made, Wanted
from equerry.backups.manifest import Consistency
from equerry.backups.progress import Counter, Progress
from equerry.backups.selection import Selection
from equerry.errors import BackupError, SettingsError

ODD_NAMES = (
    *(f"plain{number}" for number in range(16)),
    "a b/c+d%e",
    "ünï-cödé",
    "x:y*?",
    "dots.in.name",
    "a..b",
    "UPPER",
    "quote'",
    "back\\slash",
    "emoji 🙂",
    "tab\tname",
    "new\nline",
    "[bold]markup[/]",
    "-rf",
    "long" * 20,
    "%2F",
)
# FerretDB's SQLite takes these; the others stand in test_bson_form.
TYPES: dict[str, Any] = {
    "double": 1.5,
    "text": "ünï",
    "document": {"a": {"b": 1}},
    "array": [1, "a", None],
    "binary": Binary(b"\0\1", 0),
    "uuid": Binary(bytes(range(16)), 4),
    "id": ObjectId("65a000000000000000000001"),
    "true": True,
    "null": None,
    "regex": Regex("^a", "i"),
    "int": 1,
    "stamp": Timestamp(1, 2),
    "long": Int64(2**40),
}


def create(settings: tree.Settings, wanted: Wanted | None = None) -> Made:
    """Make a backup, unwatched."""
    return dump.create(settings, wanted or Wanted(), clock.now_ms())


def with_backups(settings: tree.Settings, **changes: Any) -> tree.Settings:
    """Return the settings with other ones of backups."""
    held = {
        "uri": settings.backups.uri,
        "min_free_bytes": settings.backups.min_free_bytes,
    } | changes
    return tree.Settings(data_dir=settings.data_dir, backups=tree.Backups(**held))


def held_by(mongo: Mongo, db: str, name: str) -> bytes:
    """Return the documents' bytes as the server sends them."""
    options = CodecOptions(document_class=RawBSONDocument)
    database = mongo.get_database(db, options)
    cursor = database.cursor_command("find", name, codec_options=options)
    return b"".join(document.raw for document in cursor)


def test_files_are_the_servers_bytes(mongo: Mongo, backed_up: tree.Settings) -> None:
    """For 31 collections with odd names each `.bson` file is the bytes that the server sends."""
    for number, name in enumerate(ODD_NAMES):
        rows = [TYPES | {"_id": row, "pad": "x" * number} for row in range(number * 7 % 40)]
        mongo.shop.command("create", name)
        if rows:
            mongo.shop.command("insert", name, documents=rows)
    mongo.shop.plain3.create_index([("text", 1), ("int", -1)], name="by both")
    made = create(backed_up)
    assert len(made.manifest.collections) == len(ODD_NAMES) >= 30
    for each in made.manifest.collections:
        with gzip.open(made.path / each.data) as file:
            assert file.read() == held_by(mongo, "shop", each.name), each.name
        assert each.data == names.data("shop", each.name)
    assert not made.manifest.left_out
    assert not made.manifest.changed
    [plain3] = [each for each in made.manifest.collections if each.name == "plain3"]
    with gzip.open(made.path / plain3.metadata) as file:
        said = json_util.loads(file.read())
    assert [index["name"] for index in said["indexes"]] == ["_id_", "by both"]
    assert list(said["indexes"][1]["key"].items()) == [("text", 1), ("int", -1)]
    assert said["collectionName"] == "plain3"
    assert not reading_back.prove(backed_up, made.path, clock.now_ms()).faults
    assert catalogue.entry(made.path).state is State.PROVEN


def test_a_backup_says_what_it_is(mongo: Mongo, backed_up: tree.Settings) -> None:
    """Consistency, counts, server and time stand in the manifest, and its files are private."""
    mongo.shop.orders.insert_many([{"_id": row} for row in range(10)])
    made = create(backed_up)
    held = made.manifest
    assert held.name == made.path.name
    assert held.whole
    assert (held.documents, held.databases) == (10, ("shop",))
    assert held.consistency is Consistency.NONE
    assert "no replica set" in held.consistency_note
    assert held.server_version == mongo.server_info()["version"]
    assert stat.S_IMODE((made.path / "shop/orders.bson.gz").stat().st_mode) == 0o600
    key = Path(backed_up.data_dir) / "backup-signing-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_what_was_not_asked_for_is_named(mongo: Mongo, backed_up: tree.Settings) -> None:
    """A part of the database is called so, and the manifest says what is not in it and why."""
    for db, name in (("shop", "orders"), ("shop", "logs"), ("blog", "posts")):
        mongo[db][name].insert_one({"_id": 1})
    settings = with_backups(backed_up, exclude=("shop.logs",))
    made = create(settings, Wanted(databases=("shop",)))
    assert made.path.name.startswith("part-backup-")
    assert [each.namespace for each in made.manifest.collections] == ["shop.orders"]
    assert [(each.db, each.name) for each in made.manifest.left_out] == [
        ("blog", ""),
        ("shop", "logs"),
    ]
    assert all(each.why for each in made.manifest.left_out)


def test_a_server_that_shows_nothing_makes_no_backup(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """An empty backup would be proven, and worth nothing: it is an error."""
    assert mongo.list_database_names() == []
    with pytest.raises(BackupError, match=r"backups\.uri"):
        create(backed_up)
    mongo.shop.orders.insert_one({"_id": 1})
    with pytest.raises(BackupError, match="excluded"):
        create(backed_up, Wanted(exclude=("shop",)))
    assert not place.backups(backed_up.backups_path)


def test_an_unknown_database_is_refused(mongo: Mongo, backed_up: tree.Settings) -> None:
    """A typing error makes no empty backup."""
    mongo.shop.orders.insert_one({"_id": 1})
    with pytest.raises(BackupError, match="there are: shop"):
        create(backed_up, Wanted(databases=("shp",)))
    assert not place.backups(backed_up.backups_path)


def test_a_collection_that_came_meanwhile_is_named(mongo: Mongo, backed_up: tree.Settings) -> None:
    """What others did to the database's shape during the dump stands in the manifest."""
    for name in ("orders", "gone", "indexed"):
        mongo.shop[name].insert_many([{"_id": row} for row in range(10)])
    done = []

    def meddle(_progress: Progress) -> None:
        if not done:
            done.append(True)
            mongo.shop.drop_collection("gone")
            mongo.shop.new.insert_one({"_id": 1})
            mongo.shop.indexed.create_index("x")

    made = dump.create(backed_up, Wanted(), clock.now_ms(), meddle)
    changed = {each.name: each.what for each in made.manifest.changed}
    assert set(changed) == {"gone", "indexed", "new"}
    assert "not in the backup" in changed["new"]
    assert "indexes" in changed["indexed"]
    assert not reading_back.prove(backed_up, made.path, clock.now_ms()).faults


def _many(mongo: Mongo, count: int, size: int) -> None:
    for begin in range(0, count, 1_000):
        rows = range(begin, min(begin + 1_000, count))
        mongo.shop.orders.insert_many([{"_id": row, "text": "x" * size} for row in rows])


def test_a_broken_connection_begins_a_collection_again(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """Cut in the midst of a batch, the dump is still the server's bytes."""
    _many(mongo, 5_000, 2_000)
    with Cutter(backed_up.backups.uri, cuts=2, after_bytes=3_000_000) as cutter:
        made = create(with_backups(backed_up, uri=cutter.uri))
    assert cutter.done == 2
    with gzip.open(made.path / "shop/orders.bson.gz") as file:
        assert file.read() == held_by(mongo, "shop", "orders")
    assert not reading_back.prove(backed_up, made.path, clock.now_ms()).faults


def test_a_connection_that_always_breaks_fails_and_leaves_nothing(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """Where a collection cannot be read to its end there is no backup, and no shorter one."""
    _many(mongo, 5_000, 2_000)
    with (
        Cutter(backed_up.backups.uri, cuts=99, after_bytes=3_000_000) as cutter,
        pytest.raises(BackupError, match=r"shop\.orders could not be read to its end"),
    ):
        create(with_backups(backed_up, uri=cutter.uri))
    assert not place.backups(backed_up.backups_path)
    assert not place.leftovers(backed_up.backups_path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"max_bytes": 1_000}, "backups.max_bytes"),
        ({"min_free_bytes": 1 << 60}, "backups.min_free_bytes"),
    ],
)
def test_no_room_is_told_before(
    mongo: Mongo, backed_up: tree.Settings, changes: dict[str, Any], says: str
) -> None:
    """A dump that does not fit is not begun; the message names the setting."""
    _many(mongo, 1_000, 500)
    with pytest.raises(BackupError, match=says):
        create(with_backups(backed_up, **changes))
    assert not place.leftovers(backed_up.backups_path)


def test_the_budget_holds_where_the_estimate_was_wrong(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """What cannot be compressed as was guessed ends the dump at the budget, and leaves nothing."""
    mongo.shop.noise.insert_many([{"_id": row, "b": os.urandom(1_000)} for row in range(2_000)])
    with pytest.raises(BackupError, match=r"backups\.max_bytes"):
        create(with_backups(backed_up, max_bytes=1_900_000))
    assert not place.backups(backed_up.backups_path)
    assert not place.leftovers(backed_up.backups_path)


def test_two_dumps_do_not_collide(mongo: Mongo, backed_up: tree.Settings) -> None:
    """The second is refused and names the process of the first, which goes on."""
    mongo.shop.orders.insert_one({"_id": 1})
    told: list[str] = []

    def second(_progress: Progress) -> None:
        if not told:
            with pytest.raises(BackupError) as refused:
                create(backed_up)
            told.append(str(refused.value))

    dump.create(backed_up, Wanted(), clock.now_ms(), second)
    assert f"process {os.getpid()}" in told[0]
    assert len(place.backups(backed_up.backups_path)) == 1


def test_ctrl_c_leaves_nothing(mongo: Mongo, backed_up: tree.Settings) -> None:
    """An interrupt in the midst of a dump removes what was written."""
    mongo.shop.orders.insert_one({"_id": 1})

    def interrupt(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dump.create(backed_up, Wanted(), clock.now_ms(), interrupt)
    assert not place.backups(backed_up.backups_path)
    assert not place.leftovers(backed_up.backups_path)


@pytest.mark.parametrize(
    ("uri", "error", "says"),
    [
        ("", SettingsError, "EQUERRY_MONGODB_URI"),
        ("mongodb://u:p@ss@h:x/", SettingsError, "%40"),
        ("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200", BackupError, "no server answered"),
    ],
)
def test_a_wrong_address_says_what_to_do(
    tmp_path: Path, uri: str, error: type[Exception], says: str
) -> None:
    """The message names the setting and never a piece of the password."""
    settings = tree.Settings(data_dir=str(tmp_path), backups=tree.Backups(uri=uri))
    with pytest.raises(error, match=says) as raised:
        create(settings)
    assert "p@ss" not in str(raised.value)


def test_an_encrypted_backup_is_proven_by_its_hashes_or_with_the_key(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """With recipients set nothing lies there in plain; a key lets it be looked into."""
    mongo.shop.orders.insert_many([{"_id": row} for row in range(100)])
    identity = x25519.Identity.generate()
    settings = with_backups(backed_up, recipients=(str(identity.to_public()),))
    made = create(settings)
    assert all(each.path.endswith(".age") for each in made.manifest.files)
    assert not reading_back.prove(settings, made.path, clock.now_ms()).faults
    assert catalogue.entry(made.path).state is State.SEALED
    verified = reading_back.prove(settings, made.path, clock.now_ms(), keys=[identity])
    assert (verified.faults, verified.documents, verified.read) == ((), 100, True)


_CHILD = """
import sys
from equerry import clock, settings as tree
from equerry.backups import dump
from equerry.backups.dump import Wanted
settings = tree.Settings(
    data_dir=sys.argv[1], backups=tree.Backups(uri=sys.argv[2], min_free_bytes=0)
)
print("begun", flush=True)
dump.create(settings, Wanted(), clock.now_ms())
# Not ru_maxrss: that has the memory of the process that forked this one.
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")), flush=True)
"""


def _child(settings: tree.Settings) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, settings.data_dir, settings.backups.uri],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_at_any_moment_no_half_backup_is_listed(
    mongo: Mongo, backed_up: tree.Settings, *, long_run: bool
) -> None:
    """Kill -9 of a dump leaves a whole backup or none, and the next dump cleans up."""
    _many(mongo, 4_000, 2_000)
    kills = 100 if long_run else 12
    began = time.monotonic()
    create(backed_up)
    lasts = 0.1 + time.monotonic() - began
    for number in range(kills):
        child = _child(backed_up)
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        time.sleep(lasts * number / kills)
        child.kill()
        child.communicate()
        for path in place.backups(backed_up.backups_path):
            assert not reading_back.prove(backed_up, path, clock.now_ms()).faults
    made = create(backed_up)
    assert not place.leftovers(backed_up.backups_path)
    assert not reading_back.prove(backed_up, made.path, clock.now_ms()).faults
    assert all(each.state.is_good for each in catalogue.entries(backed_up.backups_path))


def test_memory_is_bounded(mongo: Mongo, backed_up: tree.Settings, *, long_run: bool) -> None:
    """A dump takes at most 150 MB, however large the database or its documents are."""
    _many(mongo, 1_000_000 if long_run else 20_000, 2_000)
    for name in "abcdef":
        mongo.shop[name].insert_many([{"_id": row, "b": os.urandom(4_000_000)} for row in range(4)])
    child = _child(backed_up)
    printed, _ = child.communicate(timeout=3_600)
    assert child.returncode == 0
    peak_kib = int(printed.split()[-2])
    assert 30 * 1024 < peak_kib <= 150 * 1024
    [path] = place.backups(backed_up.backups_path)
    assert not reading_back.prove(backed_up, path, clock.now_ms()).faults


def test_names_that_pymongo_refuses_are_read_to_their_end(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """A collection such as `a..b` is read over many batches, byte for byte as any other."""
    for begin in range(0, 9_000, 1_000):
        rows = [{"_id": row, "text": "x" * 1_000} for row in range(begin, begin + 1_000)]
        mongo.shop.command("insert", "a..b", documents=rows)
    made = create(backed_up)
    with gzip.open(made.path / "shop/a..b.bson.gz") as file:
        assert file.read() == held_by(mongo, "shop", "a..b")
    assert made.manifest.documents == 9_000
    assert not reading_back.prove(backed_up, made.path, clock.now_ms()).faults


def test_a_server_that_dies_while_it_is_listed_is_told(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """A connection that breaks at any of the first answers is one sentence and leaves nothing."""
    mongo.shop.orders.insert_one({"_id": 1})
    for after_bytes in range(400, 3_000, 200):
        with Cutter(backed_up.backups.uri, cuts=999, after_bytes=after_bytes) as cutter:
            uri = f"{cutter.uri}?serverSelectionTimeoutMS=200&retryReads=false"
            with contextlib.suppress(BackupError):
                create(with_backups(backed_up, uri=uri))
    assert not place.leftovers(backed_up.backups_path)


def test_the_wrong_key_is_no_fault_of_the_backup(mongo: Mongo, backed_up: tree.Settings) -> None:
    """A backup stays as good as it was where somebody gives a key that does not fit."""
    mongo.shop.orders.insert_one({"_id": 1})
    right, wrong = x25519.Identity.generate(), x25519.Identity.generate()
    settings = with_backups(backed_up, recipients=(str(right.to_public()),))
    made = create(settings)
    assert not reading_back.prove(settings, made.path, clock.now_ms(), keys=[right]).faults
    with pytest.raises(BackupError, match="--identity names another"):
        reading_back.prove(settings, made.path, clock.now_ms(), keys=[wrong])
    assert catalogue.entry(made.path).state is State.PROVEN


def test_a_backup_of_nearly_nothing_tells_no_ratio() -> None:
    """Its metadata, many times its documents, is no reason to refuse the next dump."""
    assert space.estimate(10_000_000_000, [(22, 900)]) <= 10_000_000_000
    assert space.estimate(1_000, [(1_000, 300)]) == 300


class _Loses(mongo_client.MongoClient[dict[str, Any]]):
    """A client whose every read of a snapshot breaks twice and is then too old."""

    codes: ClassVar = [None, None, 239]

    def get_database(self, *args: Any, **options: Any) -> Any:
        """Break, as a read of a snapshot begins."""
        if options.get("codec_options") is not None and self.codes:
            code = self.codes.pop(0)
            raise OperationFailure("too old", code) if code else AutoReconnect("broken")
        return super().get_database(*args, **options)


def test_a_snapshot_lost_at_the_last_attempt_is_read_as_it_is(
    mongo: Mongo, backed_up: tree.Settings, tmp_path: Path
) -> None:
    """Losing it ends no dump, however often the connection broke before."""
    mongo.shop.orders.insert_many([{"_id": row} for row in range(10)])
    [found] = listing.read(mongo, Selection()).found
    snapshot = moment.Moment(Timestamp(1, 1))
    with _Loses(backed_up.backups.uri) as client:
        dumping = CollectionDump(
            client, tmp_path, made_backup.room(tmp_path), snapshot, Counter(1, 0)
        )
        dumped = dumping.run(found, Wait(lambda: None, lambda _seconds: None))
    assert dumped.collection is not None
    assert dumped.collection.documents == 10
    assert snapshot.consistency == (Consistency.NONE, moment.LOST)


def test_long_names_can_be_encrypted(mongo: Mongo, backed_up: tree.Settings) -> None:
    """The longest names of files leave no room for a suffix, and stay apart all the same."""
    for last in "ab":
        mongo.shop["ü" * 60 + last].insert_one({"_id": last})
    key = x25519.Identity.generate()
    settings = with_backups(backed_up, recipients=(str(key.to_public()),))
    made = create(settings)
    verified = reading_back.prove(settings, made.path, clock.now_ms(), keys=[key])
    assert (verified.faults, verified.documents) == ((), 2)


def test_all_databases_are_asked_for_not_only_the_users_own(
    mongo: Mongo, backed_up: tree.Settings
) -> None:
    """A whole backup is refused to a user who may not list all; one of `--db` is not."""
    mongo.shop.orders.insert_one({"_id": 1})
    asked: list[Any] = []

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            if event.command_name == "listDatabases":
                asked.append(event.command.get("authorizedDatabases"))

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            """Not of interest."""

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            """Not of interest."""

    with mongo_client.MongoClient[dict[str, Any]](
        backed_up.backups.uri, event_listeners=[Listener()]
    ) as client:
        listing.read(client, Selection())
        listing.read(client, Selection(databases=("shop",)))
    assert asked == [False, None]
