"""Hostile input that others collected: `npm install` in tests/corpora fetches it."""

import contextlib
import json
from typing import Any

import msgspec
from corpus import json_suite, naughty_strings

from equerry.errors import Refused
from equerry.events import intake, noise, scrub, wire
from equerry.events.grouping import fingerprint
from equerry.events.report import ErrorReport

SENDER = intake.Sender(user_agent="x", address="192.0.2.0/24")


def test_json_test_suite() -> None:
    """JSONTestSuite: what must be accepted is, what must be refused is, the rest is either."""
    cases = json_suite()
    wrong = []
    for case in cases:
        try:
            wire.parse(case.text.encode())
        except Refused:
            taken = False
        else:
            taken = True
        if case.verdict == ("n" if taken else "y"):
            wrong.append(case.name)
    assert len(cases) > 300
    assert wrong == []


def test_big_list_of_naughty_strings() -> None:
    """Each naughty string, in every text field, goes through every rule."""
    naughty = naughty_strings()
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
        (accepted,) = intake.errors(wire.parse(body).value, SENDER, 0).accepted
        report = msgspec.json.decode(scrub.scrub(accepted.raw), type=ErrorReport)
        assert len(fingerprint.fingerprint(report)) == 32
        assert isinstance(noise.reason(report), str)


def test_naughty_bytes() -> None:
    """Each naughty string as a body of its own is a value or a 400."""
    for text in naughty_strings():
        with contextlib.suppress(Refused):
            wire.parse(text.encode())
        scrub.blunt(text.encode())
