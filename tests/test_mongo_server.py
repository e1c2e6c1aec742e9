"""The MongoDB server of the tests: what others build on holds."""

from pathlib import Path

from mongo import Mongo, running


def test_session_server_begins_empty_and_keeps_documents(mongo: Mongo) -> None:
    """What a test writes is read back, whatever an earlier test left."""
    assert mongo.list_database_names() == []
    mongo.shop.orders.insert_many([{"_id": number} for number in range(300)])
    mongo.shop.orders.create_index("total", unique=False)
    assert [row["_id"] for row in mongo.shop.orders.find(batch_size=100)] == list(range(300))
    assert set(mongo.shop.orders.index_information()) == {"_id_", "total_1"}


def test_databases_outlive_the_server(tmp_path: Path) -> None:
    """A server that is started again on its folder has what was written before."""
    with running(tmp_path) as uri, Mongo(uri) as client:
        client.shop.orders.insert_one({"_id": 1})
    with running(tmp_path) as uri, Mongo(uri) as client:
        assert client.shop.orders.find_one() == {"_id": 1}
