"""What a dump takes and what it leaves out; what changed meanwhile."""

import pytest
from bson import Timestamp

from equerry.backups import changes, selection
from equerry.backups.listing import Found
from equerry.backups.manifest import Consistency, Kind
from equerry.backups.metadata import NO_INDEXES, NONE, extended_json
from equerry.backups.moment import LOST, Moment
from equerry.backups.selection import EXCLUDED, NOT_ASKED, OF_THE_SERVER, Selection

ALL = Selection()


@pytest.mark.parametrize(
    ("asked", "database", "why"),
    [
        (ALL, "shop", ""),
        (ALL, "admin", ""),
        (ALL, "config", ""),
        (ALL, "local", OF_THE_SERVER),
        (ALL, "__mdb_internal_x", OF_THE_SERVER),
        (Selection(databases=("shop",)), "shop", ""),
        (Selection(databases=("shop",)), "blog", NOT_ASKED),
        (Selection(databases=("shop",)), "admin", NOT_ASKED),
        (Selection(exclude=("shop",)), "shop", EXCLUDED),
        (Selection(exclude=("shop.logs",)), "shop", ""),
    ],
)
def test_databases(asked: Selection, database: str, why: str) -> None:
    """Each database that is left out has a reason."""
    assert asked.skip_database(database) == why


@pytest.mark.parametrize(
    ("database", "name", "taken"),
    [
        ("shop", "orders", True),
        ("shop", "system.js", True),
        ("shop", "system.profile", False),
        ("shop", "system.views", False),
        ("shop", "system.buckets.weather", False),
        ("shop", "a$b", False),
        ("shop", "systematic", True),
        ("admin", "system.users", True),
        ("admin", "system.roles", True),
        ("admin", "system.version", True),
        ("admin", "system.keys", False),
        ("config", "chunks", True),
        ("config", "shards", True),
        ("config", "system.sessions", False),
        ("config", "transactions", False),
    ],
)
def test_collections(database: str, name: str, taken: bool) -> None:
    """Mongodump's rules, collection by collection."""
    assert bool(ALL.skip_collection(database, name)) is not taken


def test_what_is_held_elsewhere_is_not_called_left_out() -> None:
    """A time series' buckets and the definitions of views are in the backup under other names."""
    assert selection.is_elsewhere("system.buckets.weather")
    assert selection.is_elsewhere("system.views")
    assert not selection.is_elsewhere("system.profile")


def _found(name: str, **other: object) -> Found:
    held: dict[str, object] = {
        "db": "shop",
        "name": name,
        "kind": Kind.COLLECTION,
        "uuid": "aa",
        "options": NONE,
        "indexes": NO_INDEXES,
        "source": name,
    }
    return Found(**(held | other))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ([_found("a")], [_found("a")], []),
        ([_found("a")], [], [changes.DROPPED]),
        ([], [_found("a")], [changes.CREATED]),
        ([_found("a")], [_found("a", uuid="bb")], [changes.REPLACED]),
        ([_found("a")], [_found("a", size_bytes=9)], []),
        (
            [_found("a")],
            [
                _found(
                    "a",
                    options=extended_json({"capped": True}),
                    indexes=extended_json([{"key": {"x": 1}}]),
                )
            ],
            [changes.OPTIONS, changes.INDEXES],
        ),
    ],
)
def test_changes(before: list[Found], after: list[Found], what: list[str]) -> None:
    """Dropped, created, replaced and reshaped collections are told apart; mere growth is none."""
    assert [each.what for each in changes.between(before, after)] == what


def test_the_order_of_an_indexs_fields_counts() -> None:
    """Two indexes of the same fields in another order are two."""
    one, other = {"key": {"a": 1, "b": 1}}, {"key": {"b": 1, "a": 1}}
    assert extended_json([one]) != extended_json([other])


def test_a_lost_snapshot_is_said() -> None:
    """Where the server lets a snapshot go, the backup is of no one moment, and says why."""
    held = Moment(Timestamp(5, 1))
    assert held.of(_found("a")) == Timestamp(5, 1)
    assert held.of(_found("log", capped=True)) is None
    assert held.consistency == (Consistency.SNAPSHOT, held.consistency[1])
    assert "shop.log" in held.consistency[1]
    held.lose()
    assert held.of(_found("b")) is None
    assert held.consistency == (Consistency.NONE, LOST)
