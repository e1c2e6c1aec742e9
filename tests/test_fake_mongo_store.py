"""The fake server's store: bytes as they came, a past that can be read, an oplog."""

import bson
import pytest
from fake_mongo.cursors import Cursors, tail
from fake_mongo.errors import CommandFailed
from fake_mongo.store import OPLOG, Collection, Store
from fake_mongo.wire import decode


def filled(store: Store, count: int) -> Collection:
    """Return a collection of `count` documents."""
    made = store.create("shop", "orders")
    for number in range(count):
        store.insert(made, bson.encode({"_id": number}))
    return made


def test_snapshot_is_read_at_its_own_time() -> None:
    """What is written or removed after a snapshot does not change what it shows."""
    store = Store(replicated=True)
    orders = filled(store, 2)
    before, when = list(orders.standing()), store.clock
    store.insert(orders, bson.encode({"_id": 2}))
    store.remove(orders, orders.rows[0])
    assert list(orders.standing(when)) == before
    assert [decode(raw)["_id"] for raw in orders.standing()] == [1, 2]


def test_second_document_of_an_id_is_refused() -> None:
    """A duplicate `_id` has the server's code, and the first document stays."""
    store = Store(replicated=False)
    orders = filled(store, 1)
    with pytest.raises(CommandFailed, match="E11000") as caught:
        store.insert(orders, bson.encode({"_id": 0, "other": True}))
    assert caught.value.code == 11000
    assert list(orders.standing()) == [bson.encode({"_id": 0})]


def test_oplog_has_every_write_and_tells_of_a_gap() -> None:
    """A tailing reader sees the writes in their order; one that fell behind is told so."""
    store = Store(replicated=True)
    oplog = store.get(*OPLOG)
    assert oplog is not None
    reader = tail(oplog, 0)
    filled(store, 3)
    assert [decode(raw)["op"] for raw in reader] == ["c", "i", "i", "i"]
    behind = tail(oplog, 0)
    store.truncate_oplog(keep=1)
    with pytest.raises(CommandFailed, match="capped position lost"):
        next(behind)


def test_cursor_of_a_dropped_collection_dies() -> None:
    """The next batch after a drop is refused with the server's code, and no cursor is left."""
    store = Store(replicated=False)
    orders, cursors = filled(store, 5), Cursors(store)
    answer = cursors.first(orders.namespace, orders.standing(), size=2, collection=orders)
    store.drop("shop", "orders")
    with pytest.raises(CommandFailed) as caught, store.lock:
        cursors.more(answer["cursor"]["id"], 2, 0)
    assert caught.value.code == 175
    assert not cursors.open
