"""What the tests of backups share: settings that point at FerretDB, and the long form."""

from pathlib import Path

import pytest
from mongo import Mongo

from equerry import settings as tree


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--backups-long`: 1 million documents, 2 GB and 100 kills instead of some thousands."""
    parser.addoption("--backups-long", action="store_true", help="run backups at full length")


@pytest.fixture
def long_run(request: pytest.FixtureRequest) -> bool:
    """Whether to run at full length."""
    return bool(request.config.getoption("--backups-long", default=False))


@pytest.fixture
def backed_up(tmp_path: Path, mongo: Mongo, mongo_server: str) -> tree.Settings:
    """Return settings whose database is the session's FerretDB, empty when the test begins."""
    assert mongo.list_database_names() == []
    return tree.Settings(
        data_dir=str(tmp_path / "var"), backups=tree.Backups(uri=mongo_server, min_free_bytes=0)
    )
