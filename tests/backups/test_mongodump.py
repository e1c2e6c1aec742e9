"""The engine `mongodump`: driven, counted after, believed only where its files agree.

The program is a stand-in that writes the same layout from the same server and reports as the real
one does; `FAULT` in its environment makes it lie.
"""

import stat
import sys
from pathlib import Path

import pytest
from mongo import Mongo

from equerry import clock
from equerry import settings as tree
from equerry.backups import dump, place, reading_back
from equerry.backups.dump import Wanted
from equerry.backups.manifest import Engine
from equerry.errors import BackupError

STAND_IN = """#!{python}
import gzip, json, os, pathlib, sys
from urllib.parse import quote_plus
from bson import json_util
from pymongo import MongoClient
if "--version" in sys.argv:
    sys.exit(print("mongodump version: 100.18.0"))
given = dict(each[2:].split("=", 1) for each in sys.argv[1:] if "=" in each)
assert "mongodb://" not in " ".join(sys.argv)
fault = os.environ.get("FAULT", "")
if fault == "refused":
    sys.exit("Failed: error connecting to db server: no reachable servers")
uri = json.loads(pathlib.Path(given["config"]).read_text().partition(": ")[2])
skipped = [each.partition("=")[2] for each in sys.argv if each.startswith("--excludeCollection=")]
with MongoClient(uri) as client:
    database = client[given["db"]]
    folder = pathlib.Path(given["out"]) / given["db"]
    folder.mkdir(parents=True)
    for info in database.list_collections():
        name = info["name"]
        if name in skipped or (fault == "lost" and name == "orders"):
            continue
        rows = b"".join(database[name].find_raw_batches())
        count = database[name].count_documents({{}})
        if fault == "short":
            rows = rows[: len(rows) // count * (count - 1)]
        if fault != "no-data":
            (folder / (quote_plus(name, safe="") + ".bson.gz")).write_bytes(gzip.compress(rows))
        said = {{
            "indexes": list(database[name].list_indexes()),
            "uuid": info["info"]["uuid"].hex(),
            "collectionName": name,
            "type": "collection",
        }}
        text = json_util.dumps(said, json_options=json_util.CANONICAL_JSON_OPTIONS)
        path = folder / (quote_plus(name, safe="") + ".metadata.json.gz")
        path.write_bytes(gzip.compress(text.encode()))
        word = "document" if count == 1 else "documents"
        done = f"done dumping {{given['db']}}.{{name}} ({{count}} {{word}})"
        print("2026-11-25T02:00:00.000+0000\\t" + done, file=sys.stderr)
"""


@pytest.fixture
def driven(
    tmp_path: Path, mongo: Mongo, backed_up: tree.Settings, monkeypatch: pytest.MonkeyPatch
) -> tree.Settings:
    """Return settings whose engine is the stand-in, and a database of three collections."""
    program = tmp_path / "bin/mongodump"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    for name, count in (("orders", 250), ("a b/c", 10), ("logs", 1)):
        mongo.shop[name].insert_many([{"_id": row} for row in range(count)])
    mongo.shop.orders.create_index("total")
    return tree.Settings(
        data_dir=backed_up.data_dir,
        backups=tree.Backups(
            uri=backed_up.backups.uri, min_free_bytes=0, engine="mongodump", exclude=("shop.logs",)
        ),
    )


def test_its_dump_is_a_backup_as_any_other(driven: tree.Settings) -> None:
    """What the program wrote has a manifest, a signature, and is read back without a fault."""
    made = dump.create(driven, Wanted(), clock.now_ms())
    assert made.manifest.engine is Engine.MONGODUMP
    assert made.manifest.engine_version == "100.18.0"
    assert {each.namespace: each.documents for each in made.manifest.collections} == {
        "shop.a b/c": 10,
        "shop.orders": 250,
    }
    assert [each.name for each in made.manifest.left_out] == ["logs"]
    assert not reading_back.prove(driven, made.path, clock.now_ms()).faults


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("refused", "mongodump ended with 1: Failed: error connecting"),
        ("short", r"reported .* its file holds"),
        ("no-data", "wrote no documents of"),
        ("lost", r"did not dump shop\.orders, which the server still has"),
    ],
)
def test_a_dump_that_is_not_what_it_reports_is_refused(
    driven: tree.Settings, monkeypatch: pytest.MonkeyPatch, fault: str, says: str
) -> None:
    """An exit code of 0 is not trusted: a file that holds less than was reported is no backup."""
    monkeypatch.setenv("FAULT", fault)
    with pytest.raises(BackupError, match=says):
        dump.create(driven, Wanted(), clock.now_ms())
    assert not place.backups(driven.backups_path)
    assert not place.leftovers(driven.backups_path)


def test_a_missing_program_is_said(
    driven: tree.Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the program the message says what to install, or which engine to take."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="not installed"):
        dump.create(driven, Wanted(), clock.now_ms())
