"""Minified frames from a real Chromium are stored as what was written.

The pages are built, minified and mapped by esbuild; their maps go in as a deploy sends them.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import builds
import pytest
from browser import Browser
from installation import EQUERRY, Installation
from real_clients import Clients, Stored, calls, line_of
from relay import Relay

from equerry.source_maps.maps import FRESH_SECONDS

pytestmark = pytest.mark.e2e

MAJORS = ("newest", "previous")
RUN_SECONDS = 60.0
WRITTEN = [
    ("deeds.pay", "shop.js", line_of("pages/shop.js", "pay: () =>")),
    ("checkOut", "basket.js", line_of("pages/basket.js", "return totalOf(")),
    ("totalOf", "basket.js", line_of("pages/basket.js", "return items.reduce")),
    ("Array.reduce", "<anonymous>", 0),
    ("<anonymous>", "basket.js", line_of("pages/basket.js", "return items.reduce")),
    ("priceOf", "basket.js", line_of("pages/basket.js", "return item.price.amount")),
]


@pytest.fixture
def deploy(equerry: Installation) -> dict[str, str]:
    """Return sentry-cli's variables: the operator's port, and a new token that may upload."""
    token = run(equerry, [*EQUERRY, "token", "create", "--name", "deploy", "--scope", "write"])
    return {
        "SENTRY_URL": f"http://127.0.0.1:{equerry.dashboard_port}",
        "SENTRY_AUTH_TOKEN": token.strip(),
        "SENTRY_ORG": "ours",
        "SENTRY_PROJECT": "web",
    }


@pytest.mark.parametrize("major", MAJORS)
def test_release_with_its_maps_is_readable(
    clients: Clients, site: Relay, pages: Path, browser: Browser, major: str
) -> None:
    """Uploaded from the command line, for a release and the path that its pages are served at."""
    release = f"mapped@{major}"
    where = ["--release", release, "--url-prefix", f"~/{major}"]
    run(clients.equerry, [*EQUERRY, "sourcemaps", "upload", str(pages / major), *where])
    time.sleep(FRESH_SECONDS)  # as long as a worker may not know of an upload
    browser.open(f"{site.url}/{major}/shop.html", clients.settings(release), "shop")
    browser.click("#pay")
    error = clients.error(release)
    check(error)
    assert error["exceptions"][-1]["frames"][-1]["minified"]["filename"] == (
        f"{site.url}/{major}/shop.js"
    )


def test_debug_ids_need_neither_release_nor_path(
    clients: Clients, pages: Path, browser: Browser, tmp_path: Path, deploy: dict[str, str]
) -> None:
    """Injected and uploaded by sentry-cli: the page names its map, wherever it is served from."""
    deployed = tmp_path / "deployed"
    shutil.copytree(pages / "newest", deployed)
    for verb in ("inject", "upload"):
        command = [builds.program("sentry-cli"), "sourcemaps", verb, str(deployed)]
        run(clients.equerry, command, deploy)
    time.sleep(FRESH_SECONDS)
    release = "unmapped@1.0"
    with Relay(clients.equerry.port, pages=deployed) as elsewhere:
        browser.open(f"{elsewhere.url}/shop.html", clients.settings(release), "shop")
        browser.click("#pay")
        error = clients.error(release)
    assert list(error["debug_ids"]) == [f"{elsewhere.url}/shop.js"]
    check(error)


def check(error: Stored) -> None:
    """Function, file, line and source of each call are those of the sources."""
    assert calls(error)[1:] == WRITTEN, error.get("source_maps")
    wrapper, *_, innermost = error["exceptions"][-1]["frames"]
    assert wrapper["function"] == "sentryWrapped"  # the SDK's own, around each listener
    assert innermost["context_line"].strip() == "return item.price.amount;"
    assert (wrapper["in_app"], innermost["in_app"]) == (False, True)


def run(
    equerry: Installation, command: list[str | Path], more: dict[str, str] | None = None
) -> str:
    """Run a command in the installation's folder; return what it printed."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("EQUERRY_")}
    done = subprocess.run(
        command,
        cwd=equerry.folder,
        env=plain | (more or {}),
        capture_output=True,
        check=False,
        text=True,
        timeout=RUN_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
