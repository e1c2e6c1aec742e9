"""A MongoDB-protocol server that no one here wrote: FerretDB on SQLite, `make` builds it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

BINARY = Path(__file__).parent / "mongo_server" / "mongo_server"
END_SECONDS = 20.0

Mongo = MongoClient[dict[str, Any]]


@contextmanager
def running(folder: Path, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Run the server with its databases in `folder` and yield its URI.

    Without the binary skip on a laptop and fail in CI. The databases stay when the server ends,
    and a later one on the same folder has them again.
    """
    _require_binary()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [str(BINARY), str(folder), address], stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert process.stdout is not None
        # The line comes once the port takes connections; an end without it is in the log.
        uri = process.stdout.readline().strip()
        assert uri, (folder / "server.log").read_text()
        yield uri
    finally:
        process.terminate()
        process.communicate(timeout=END_SECONDS)


def _require_binary() -> None:
    if BINARY.exists():
        return
    reason = "no MongoDB server: run `make tests/mongo_server/.built`, which needs Go 1.22 or newer"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
