"""The kinds of field that a report is made of: how each is read, and how a schema describes it.

A kind never raises. It returns the value to keep, or notes a fault in the draft and returns None.
"""

import datetime as dt
import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from equerry.errors import Cause
from equerry.events import limits

Schema = dict[str, Any]

ID_PATTERN = "^(?:-*[0-9a-fA-F]){32}-*$"
# Every day that there is from 1970 to 9999, so that what the schema takes is a date.
_DAY = (
    r"(?:(?:19[7-9][0-9]|[2-9][0-9]{3})-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    r"|(?:19(?:7[26]|8[048]|9[26])"
    r"|[2-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:2[048]|[3579][26]|[468][048])00)-02-29)"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
_ZONE = r"(?:[Zz]|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?"
MOMENT_PATTERN = f"^{_DAY}(?:[Tt ]{_CLOCK}{_ZONE})?$"

_ID = re.compile(ID_PATTERN)
_MOMENT = re.compile(MOMENT_PATTERN)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


class Draft:
    """An event while it is read: its faults, what was cut, and where it stands in a batch.

    plain: nothing in it is too deep or too long a number (see wire.Parsed).
    """

    __slots__ = ("causes", "cut", "plain", "prefix")

    def __init__(self, prefix: str, *, plain: bool = False) -> None:
        self.prefix = prefix
        self.plain = plain
        self.causes: list[Cause] = []
        self.cut: dict[str, int] = {}

    def fault(self, field: str, problem: str, limit: str = "") -> None:
        """Note one fault; those beyond limits.CAUSES are not named."""
        if len(self.causes) < limits.CAUSES:
            self.causes.append(Cause(f"{self.prefix}{field}", problem, limit))

    def faulted(self, *fields: str) -> bool:
        """Whether a fault of one of these fields was noted."""
        named = {f"{self.prefix}{field}" for field in fields}
        return any(cause.field in named for cause in self.causes)


class Kind(Protocol):
    """One kind of field."""

    def read(self, value: Any, field: str, draft: Draft) -> Any:  # noqa: ANN401 - JSON
        """Return the value to keep, or None after noting a fault. value is never None."""

    def schema(self) -> Schema:
        """Describe exactly what `read` takes, as JSON Schema."""


class Field(NamedTuple):
    """A row of a table: the report's attribute that it becomes, and its kind."""

    attribute: str
    kind: Kind


class Text(NamedTuple):
    """Text, cut at `limit` characters."""

    limit: int

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the text, cut."""
        if not isinstance(value, str):
            draft.fault(field, "must be a string")
            return None
        if len(value) > self.limit:
            draft.cut[field] = len(value)
            return value[: self.limit]
        return value

    def schema(self) -> Schema:
        """Any string: a longer one is taken too."""
        return {"type": "string", "description": f"Cut at {self.limit} characters."}


class Choice(NamedTuple):
    """One of a few words; each spelling maps to the word that is kept."""

    words: Mapping[str, str]

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the word that is kept."""
        word = self.words.get(value) if isinstance(value, str) else None
        if word is None:
            draft.fault(field, "is none of the values it can take", ", ".join(self.words))
        return word

    def schema(self) -> Schema:
        """Every spelling."""
        return {"type": "string", "enum": list(self.words)}


class Truth(NamedTuple):
    """True or false."""

    def read(self, value: object, field: str, draft: Draft) -> bool | None:
        """Return it as it is."""
        if isinstance(value, bool):
            return value
        draft.fault(field, "must be true or false")
        return None

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean"}


class Whole(NamedTuple):
    """A whole number from 0 to `most`; 3.0 is one, as JSON Schema has it."""

    most: int

    def read(self, value: object, field: str, draft: Draft) -> int | None:
        """Return it as an int."""
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and 0 <= value <= self.most
            and value == int(value)
        ):
            return int(value)
        draft.fault(field, "must be a whole number", f"0 to {self.most}")
        return None

    def schema(self) -> Schema:
        """An integer in its range."""
        return {"type": "integer", "minimum": 0, "maximum": self.most}


class Number(NamedTuple):
    """A number, brought into ±limits.OTHER_VALUE; JSON has neither NaN nor infinity."""

    def read(self, value: object, field: str, draft: Draft) -> float | None:
        """Return it as a float. Compared before it is converted: an int may have 4,300 digits."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            draft.fault(field, "must be a number")
            return None
        return float(min(max(value, -limits.OTHER_VALUE), limits.OTHER_VALUE))

    def schema(self) -> Schema:
        """A number."""
        return {"type": "number", "description": "Brought into the range that its unit allows."}


class Moment(NamedTuple):
    """ISO 8601 or epoch milliseconds, kept as RFC 3339 in UTC with milliseconds."""

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the normal form; text without a zone is UTC."""
        if isinstance(value, str):
            if _MOMENT.fullmatch(value):
                return _normal(value)
        elif (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and 0 <= value <= limits.LAST_MS
        ):
            return moment(int(value))
        draft.fault(field, "must be an ISO 8601 time or epoch milliseconds", "years 1970 to 9999")
        return None

    def schema(self) -> Schema:
        """Text of the pattern, or a number in its range."""
        return {
            "anyOf": [
                {"type": "string", "pattern": MOMENT_PATTERN},
                {"type": "number", "minimum": 0, "maximum": limits.LAST_MS},
            ],
            "description": "ISO 8601 (UTC where it names no zone) or epoch milliseconds.",
        }


def moment(epoch_ms: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, for 0 to limits.LAST_MS."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@functools.lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return (_EPOCH + dt.timedelta(seconds=seconds)).isoformat()[:19]


def _normal(text: str) -> str:
    """Normalise a time that fits the pattern; an offset that leaves its years is held at them."""
    local = dt.datetime.fromisoformat(text.upper())
    offset = local.utcoffset() or dt.timedelta()
    epoch_ms = (local.replace(tzinfo=dt.UTC) - _EPOCH - offset) // _MILLISECOND
    return moment(min(max(epoch_ms, 0), limits.LAST_MS))


class Identity(NamedTuple):
    """32 hexadecimal digits, with or without dashes."""

    def read(self, value: object, field: str, draft: Draft) -> str | None:
        """Return the digits in lower case."""
        if isinstance(value, str) and _ID.fullmatch(value):
            return value.replace("-", "").lower()
        draft.fault(field, "must be a UUID", "32 hexadecimal digits")
        return None

    def schema(self) -> Schema:
        """Text of the pattern."""
        return {"type": "string", "pattern": ID_PATTERN}
