"""A project's store, maps as a worker has them, and events of browsers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from equerry.settings import SourceMaps
from equerry.source_maps.maps import Maps
from equerry.source_maps.store import FOLDER, Store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the data directory."""
    return tmp_path / "var"


@pytest.fixture
def store(data: Path) -> Store:
    """Return the store of project 1."""
    return Store(data / FOLDER, 1)


@pytest.fixture
def limits() -> SourceMaps:
    """Return the default limits."""
    return SourceMaps()


@pytest.fixture
def maps(data: Path) -> Iterator[Maps]:
    """Return maps as a worker process has them."""
    made = Maps(data)
    yield made
    made.close()


@pytest.fixture
def clock() -> Callable[[], float]:
    """Return a clock that is two seconds on at each look: nothing counts as fresh."""
    times = iter(range(0, 10**9, 2))
    return lambda: float(next(times))
