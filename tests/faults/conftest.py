"""The faults come in two lengths: bounded, for every run of the tests, and long."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--faults-long`: 200 kills and 100,000 events instead of a dozen and a few thousand."""
    parser.addoption("--faults-long", action="store_true", help="run the faults at full length")


@pytest.fixture
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether to run at full length."""
    return bool(request.config.getoption("--faults-long", default=False))
