"""From a build on the disk to a readable stack in the archive, through the running processes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import builds
import psutil
import pytest
from installation import EQUERRY, Installation, short_folder, wait_until

pytestmark = pytest.mark.e2e

URL = "https://shop.example/static/shop-4f2a9c1b.js"


@pytest.fixture
def equerry() -> Iterator[Installation]:
    """Run the door and the workers, without the rest."""
    with short_folder() as folder:
        made = Installation(folder, lines=("api", "worker"))
        try:
            made.start()
            yield made
        finally:
            made.close()


def readers(equerry: Installation) -> list[psutil.Process]:
    """Return the processes that read source maps for the workers."""
    return [
        each for each in equerry.tree() if "equerry.source_maps.reader" in " ".join(each.cmdline())
    ]


def test_stack_of_a_running_worker_is_readable(equerry: Installation, tmp_path: Path) -> None:
    """An upload resolves what comes after it; the reader is there for that only."""
    build = builds.esbuild(tmp_path / "site")
    line, column = build.position("new Error(")
    error = {
        "name": "Error",
        "message": "no customer for Bag",
        "stack": f"Error: no customer for Bag\n    at r ({URL}:{line}:{column})",
        "release": "shop@1.2",
    }
    assert equerry.post("/api/errors", error).status == 202
    equerry.wait_drained()
    assert not readers(equerry)
    uploaded = subprocess.run(
        [*EQUERRY, "sourcemaps", "upload", build.folder, "--release", "shop@1.2"],
        cwd=equerry.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert uploaded.returncode == 0, uploaded.stderr

    def resolved() -> list[dict[str, object]]:
        equerry.post("/api/errors", error)
        equerry.wait_drained()
        return [each for each in equerry.archive("errors") if "exceptions" in each]

    [first, *_] = wait_until(resolved, "a resolved error")
    [frame] = first["exceptions"][0]["frames"]
    assert (frame["function"], frame["filename"], frame["lineno"]) == (
        "checkout",
        "src/shop.js",
        10,
    )
    assert frame["minified"]["lineno"] == line
    assert first["source_maps"][0]["outcome"] == "resolved"
    assert 1 <= len(readers(equerry)) <= 2
