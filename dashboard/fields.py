"""What a request may say: tables of fields, read and described by the same rows.

What is not in a table is refused by name: a mistyped field must not count as left out.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from equerry.errors import Refused
from equerry.events import limits
from equerry.events.fields import Draft, Kind, Schema

ISSUE_ID = "[A-Za-z0-9][A-Za-z0-9-]{0,62}-[1-9][0-9]{0,14}"
_ISSUE_ID = re.compile(ISSUE_ID)
_DIGITS = re.compile("0|[1-9][0-9]{0,14}")


class Field(NamedTuple):
    """A row: its kind, what it means, and whether it must be given."""

    kind: Kind
    meaning: str
    required: bool = False


Fields = Mapping[str, Field]


class Words(NamedTuple):
    """Text of 1 to `limit` characters that is not only white space. Longer text is refused."""

    limit: int

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the text, without white space around it."""
        if isinstance(value, str) and len(value) <= self.limit and value.strip():
            return value.strip()
        draft.fault(field, "must be text", f"1 to {self.limit} characters")
        return None

    def schema(self) -> Schema:
        """Text with something in it."""
        return {"type": "string", "maxLength": self.limit, "pattern": r"[^\s\x00-\x20\x85\xa0]"}


class Search(NamedTuple):
    """Text of at most `limit` characters; none at all is fine."""

    limit: int

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the text."""
        if isinstance(value, str) and len(value) <= self.limit:
            return value
        draft.fault(field, "is too long", f"{self.limit} characters")
        return None

    def schema(self) -> Schema:
        """Any text that is short enough."""
        return {"type": "string", "maxLength": self.limit}


class Cursor(NamedTuple):
    """What the page before gave as `next`: text of this pattern, or "" for the first page."""

    pattern: str

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the text."""
        if value == "" or (isinstance(value, str) and re.fullmatch(self.pattern, value)):
            return str(value)
        draft.fault(field, "is none that a page gave")
        return None

    def schema(self) -> Schema:
        """Text of the pattern, or none."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})?$"}


class Count(NamedTuple):
    """A whole number of a range; in a query string it is text."""

    least: int
    most: int

    def read(self, value: Any, field: str, draft: Draft) -> int | None:  # noqa: ANN401, JSON
        """Return the number."""
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON Schema has 3.0 as a whole number
        whole = isinstance(value, int) and not isinstance(value, bool)
        if whole and self.least <= value <= self.most:
            return int(value)
        draft.fault(field, "must be a whole number", f"{self.least} to {self.most}")
        return None

    def schema(self) -> Schema:
        """An integer of the range."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class IssueId(NamedTuple):
    """`WEB-42`, in any case."""

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return it as it is."""
        if isinstance(value, str) and _ISSUE_ID.fullmatch(value):
            return value
        draft.fault(field, "must be an issue's id", "e.g. WEB-42")
        return None

    def schema(self) -> Schema:
        """Text of the form."""
        return {"type": "string", "pattern": f"^{ISSUE_ID}$"}


class IssueIds(NamedTuple):
    """Several ids, each once."""

    most: int

    def read(self, value: object, field: str, draft: Draft) -> list[str] | None:
        """Return them without repeats."""
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            draft.fault(field, "must be a list of issues' ids", f"1 to {self.most}")
            return None
        kind = IssueId()
        ids = [kind.read(item, f"{field}[{index}]", draft) for index, item in enumerate(value)]
        return list(dict.fromkeys(each for each in ids if each))

    def schema(self) -> Schema:
        """An array of ids."""
        items = IssueId().schema()
        return {"type": "array", "minItems": 1, "maxItems": self.most, "items": items}


def read(given: Mapping[str, object], fields: Fields) -> dict[str, Any]:
    """Return what was given, read; null counts as left out. Raises Refused 400, naming faults."""
    draft = Draft("")
    found: dict[str, Any] = {}
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            known = ", ".join(fields) or "none"
            draft.fault(name[: limits.NAME], "is not known here", f"there is {known}")
        elif value is not None:
            read = field.kind.read(value, name, draft)
            if read is not None:
                found[name] = read
    for name, field in fields.items():
        if field.required and given.get(name) is None:
            draft.fault(name, "is missing")
    if draft.causes:
        first = draft.causes[0]
        raise Refused(400, f"{first.field}: {first.problem}", tuple(draft.causes))
    return found


def schema(fields: Fields) -> Schema:
    """Describe what `read` takes, as JSON Schema."""
    properties = {
        name: {"description": field.meaning, "anyOf": [field.kind.schema(), {"type": "null"}]}
        if not field.required
        else {"description": field.meaning, **field.kind.schema()}
        for name, field in fields.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }
