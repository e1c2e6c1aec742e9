"""Pairs of errors that are one bug or two: tests/events/grouping_cases, one file an area.

The stacks of bundlers, mapped, next and python are real: each bundler built one small site twice,
with a change between, and Chromium or Node ran it. The rest follows the engines' own forms.
"""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from equerry.events.report import ErrorFacts

CASES = Path(__file__).parent / "events" / "grouping_cases"


class Case(NamedTuple):
    """A pair, whether it is the same bug, and what it is about."""

    area: str
    what: str
    same: bool
    one: ErrorFacts
    other: ErrorFacts

    def right(self, fingerprint: Callable[[ErrorFacts], object]) -> bool:
        """Whether a way to fingerprint makes one issue of one bug, or two of two."""
        return (fingerprint(self.one) == fingerprint(self.other)) is self.same


def cases() -> list[Case]:
    """Read all of them."""
    found = []
    for path in sorted(CASES.iterdir()):
        text = path.read_text("utf-8")
        rows = tomllib.loads(text)["case"] if path.suffix == ".toml" else json.loads(text)
        found += [
            Case(path.stem, row["what"], row["same"], _report(row["one"]), _report(row["other"]))
            for row in rows
        ]
    return found


def _report(fields: dict[str, Any]) -> ErrorFacts:
    """Write lines of a stack as one text, and the error's name and message as the door does."""
    stack = fields.get("stack", "")
    fields = {"timestamp": "", "message": "", **fields}
    fields["stack"] = "\n".join(stack) if isinstance(stack, list) else stack.strip("\n")
    if "exceptions" in fields:
        caught = fields["exceptions"][-1]
        fields["name"], fields["message"] = caught.get("type", ""), caught.get("value", "")
    return msgspec.convert(fields, ErrorFacts)
