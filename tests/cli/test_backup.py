"""`equerry backup`: made, listed, shown, read back; what a person sees and what a program gets."""

import json
from collections.abc import Callable
from pathlib import Path

import made_backup
import pytest
from click.testing import Result
from mongo import Mongo

from equerry import settings as tree
from equerry.backups import place

Cli = Callable[..., Result]


@pytest.fixture
def data_path(settings: tree.Settings) -> Path:
    """Return the data directory."""
    return Path(settings.data_dir)


def test_nothing_there_says_how_to_begin(cli: Cli) -> None:
    """An empty list names the next step, and no error."""
    done = cli("backup", "list")
    assert done.exit_code == 0
    assert "EQUERRY_MONGODB_URI" in done.stdout
    shown = cli("backup", "show")
    assert shown.exit_code == 1
    assert "equerry backup create" in shown.stderr


def test_without_an_address_create_says_which_setting(cli: Cli) -> None:
    """A missing setting is exit code 2, and its name."""
    done = cli("backup", "create")
    assert done.exit_code == 2
    assert "EQUERRY_MONGODB_URI" in done.stderr


def test_create_reads_back_and_the_list_says_so(
    cli: Cli, mongo: Mongo, mongo_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new backup is proven at once; `list` and `show` tell the same in both forms."""
    mongo.shop.orders.insert_many([{"_id": row} for row in range(10)])
    monkeypatch.setenv("EQUERRY_MONGODB_URI", mongo_server)
    made = cli("backup", "create")
    assert made.exit_code == 0, made.stderr
    assert "10 documents in 1 collections" in made.stdout
    assert "every byte is right" in made.stdout
    [row] = [json.loads(line) for line in cli("backup", "list", "--json").stdout.splitlines()]
    assert (row["documents"], row["state"], row["good"]) == (10, "proven", True)
    assert "proven" in cli("backup", "list").stdout
    shown = cli("backup", "show").stdout
    assert "shop.orders" in shown
    assert "no replica set" in shown
    assert json.loads(cli("backup", "show", row["name"], "--json").stdout)["name"] == row["name"]


def test_an_unread_backup_is_not_called_good(
    cli: Cli, mongo: Mongo, mongo_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--no-verify` makes a backup that is unproven until it was read back."""
    mongo.shop.orders.insert_one({"_id": 1})
    monkeypatch.setenv("EQUERRY_MONGODB_URI", mongo_server)
    row = json.loads(cli("backup", "create", "--no-verify", "--json").stdout)
    assert row["good"] is False
    assert json.loads(cli("backup", "list", "--json").stdout)["state"] == "unread"
    assert cli("backup", "verify").exit_code == 0
    assert json.loads(cli("backup", "list", "--json").stdout)["state"] == "proven"


def test_verify_names_each_fault(cli: Cli, data_path: Path) -> None:
    """Of two backups the damaged one is named, with its files; the exit code is 1."""
    made_backup.backup(data_path, "full-backup-20261124T020000Z")
    damaged = made_backup.backup(data_path)
    (damaged / "shop/orders.bson.gz").unlink()
    done = cli("backup", "verify", "--all")
    assert done.exit_code == 1
    assert "shop/orders.bson.gz: missing" in done.stdout
    assert "full-backup-20261124T020000Z: 120 documents" in done.stdout
    listed = cli("backup", "list")
    assert "FAULTY" in listed.stdout
    assert "shop/orders.bson.gz is missing" in listed.stdout
    rows = [
        json.loads(each)
        for each in cli("backup", "verify", "--all", "--json").stdout.split("\n")
        if each
    ]
    assert [len(row["faults"]) for row in rows] == [1, 0]


def test_a_half_backup_is_told_and_not_listed(cli: Cli, data_path: Path) -> None:
    """What a killed dump left is said to be no backup."""
    made_backup.backup(data_path)
    (data_path / "backups" / f"{place.PARTIAL}full-backup-20261126T020000Z").mkdir()
    assert len(cli("backup", "list", "--json").stdout.splitlines()) == 1
    listed = cli("backup", "list").stdout
    assert "is no backup: its dump was killed" in listed


def test_an_unknown_backup_is_refused(cli: Cli, data_path: Path) -> None:
    """A name that is not there, or leads elsewhere, opens nothing."""
    made_backup.backup(data_path)
    for name in ("full-backup-20200101T000000Z", "../../etc", ""):
        assert cli("backup", "show", name).exit_code == 1


def test_keys_are_made_once(cli: Cli) -> None:
    """The public key stays the same; its PEM form is what OpenSSL reads."""
    first = json.loads(cli("backup", "keys", "--json").stdout)["key"]
    assert cli("backup", "keys").stdout.startswith(first)
    assert cli("backup", "keys", "--pem").stdout.startswith("-----BEGIN PUBLIC KEY-----")
