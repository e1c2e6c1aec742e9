"""One Equerry, one Chromium and one build of the pages for all tests of this folder."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CLIENTS, Browser, chromium, node
from installation import Installation, short_folder
from real_clients import Clients
from relay import Relay

BUILD_SECONDS = 120.0


@pytest.fixture(scope="session")
def equerry() -> Iterator[Installation]:
    """The door, the worker and the operator's port, as `equerry up` starts them."""
    with short_folder() as folder:
        installation = Installation(folder, lines=("api", "worker", "dashboard"))
        try:
            installation.start()
            yield installation
        finally:
            installation.close()


@pytest.fixture
def clients(equerry: Installation) -> Iterator[Clients]:
    """Programs that report to that door, with a relay of the test's own between."""
    with Relay(equerry.port) as relay:
        yield Clients(equerry, relay)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages as a deploy builds them, for each major of the SDK."""
    folder = tmp_path_factory.mktemp("pages")
    built = subprocess.run(
        [node(), "build.mjs", str(folder)],
        cwd=CLIENTS,
        capture_output=True,
        check=False,
        text=True,
        timeout=BUILD_SECONDS,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real Chromium."""
    errors = tmp_path_factory.mktemp("chromium") / "errors"
    with Browser(node(), chromium(), errors) as started:
        yield started


@pytest.fixture
def site(pages: Path, equerry: Installation) -> Iterator[Relay]:
    """Where the pages are served from: another origin than the door's, with a tunnel to it."""
    with Relay(equerry.port, tunnel="/api/1/envelope/", pages=pages) as served:
        yield served
