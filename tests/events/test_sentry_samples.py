"""Envelopes as real SDKs sent them, with paths made general, and what the door reads in them."""

import json
from pathlib import Path
from typing import Any

import pytest

from equerry.events.intake import Sender
from equerry.events.sentry import readers

SAMPLES = Path(__file__).parent / "sentry_samples"
SENDER = Sender("an SDK", "192.0.2.0/24", "p1")
NOW_MS = 1_795_572_600_000
UNDEFINED = "Cannot read properties of undefined (reading "
REACT = "React ErrorBoundary TypeError"

# Sample → what is in its one report.
EXPECTED: dict[str, dict[str, Any]] = {
    "browser-10-rejection": {"name": "RangeError", "handled": False, "types": ["RangeError"]},
    "browser-10-session-crashed": {"errored": 1, "crashed": 1},
    "browser-11-error": {"name": "TypeError", "message": f"{UNDEFINED}'amount')"},
    "browser-11-message-with-stack": {"message": "only 2 pears left", "level": "warning"},
    "browser-11-session-unhandled": {"errored": 1, "crashed": 0},
    "node-10-message": {"message": "only 2 pears left", "level": "warning"},
    "node-11-chained": {"name": "Error", "types": ["TypeError", "Error"], "handled": True},
    "node-11-crash": {"name": "TypeError", "level": "fatal", "handled": False},
    "node-11-message-with-stack": {"message": "only 2 pears left", "types": [""]},
    "node-11-session-crashed": {"started": 1, "errored": 1, "crashed": 1},
    "python-chained": {"name": "LookupError", "types": ["ZeroDivisionError", "LookupError"]},
    "python-check-in-failed": {"monitor": "fill-shelves", "status": "error"},
    "python-client-report": {"reason": "event_processor", "category": "error", "quantity": 1},
    "python-crash-at-exit": {"name": "ZeroDivisionError", "handled": False, "user": "visitor-7"},
    "python-flask": {"name": "KeyError", "message": "7", "transaction": "basket"},
    "python-flask-sessions": {"started": 3, "errored": 1, "crashed": 1},
    "python-logged": {"message": "no pears left", "logger": "shop.stock"},
    "react-11-boundary": {"name": "TypeError", "types": [REACT, "TypeError"], "handled": True},
}


@pytest.mark.parametrize("sample", EXPECTED)
def test_what_an_sdk_sent_is_read(sample: str) -> None:
    """One report comes of it, with nothing refused, skipped or cut."""
    raw = (SAMPLES / f"{sample}.envelope").read_bytes()
    taken = readers.read(raw, SENDER, NOW_MS)
    assert (taken.causes, taken.skipped) == ((), {})
    [incoming] = taken.accepted
    report = json.loads(incoming.raw)
    types = [each.get("type", "") for each in report.get("exceptions", ())]
    expected = EXPECTED[sample]
    assert {name: (report | {"types": types}).get(name, 0) for name in expected} == expected
    assert "cut" not in report


def test_a_message_that_brings_its_stack_has_no_name() -> None:
    """Version 11 sends the stack of a message as an exception without a type: it names no error."""
    raw = (SAMPLES / "browser-11-message-with-stack.envelope").read_bytes()
    [incoming] = readers.read(raw, SENDER, NOW_MS).accepted
    report = json.loads(incoming.raw)
    assert "name" not in report or report["name"] == ""
    assert report["exceptions"][0]["frames"]


def test_every_sample_is_read_by_a_test() -> None:
    """No sample lies about unread."""
    assert {path.stem for path in SAMPLES.iterdir()} == set(EXPECTED)
