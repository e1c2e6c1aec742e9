"""Hides what nobody should read back: passwords, tokens, cards, e-mail addresses, user names.

Clean reports, nearly all of them, cost one search over their bytes and pass as they are.
"""

from typing import Any

import msgspec

from equerry.events.linear import which
from equerry.events.secret_names import STEM, secret_name
from equerry.events.secret_values import FILTERED, HINTS, hide_secrets

# A superset of all that the walk hides. The door's own encoder escapes no ASCII letter, so that no
# `\u0070assword` stands in a report.
_hinted = which(["|".join((*HINTS, rf'{STEM}(?:[^"\\]|(?s:\\.))*"\s*:'))])
_FILTERED_TEXT = FILTERED.decode()
# The least number that could be a payment card.
_SHORTEST_CARD = 10**14


def scrub(raw: bytes) -> bytes:
    """Return the report's JSON with secrets hidden; the same object where there are none.

    The value of a secret name goes whole, whatever its type. Text keeps what is around a secret.
    """
    if not _hinted(raw):
        return raw
    report = msgspec.json.decode(raw)
    hidden = clean(report)
    return raw if hidden == report else msgspec.json.encode(hidden)


def clean(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report with secrets hidden, read through without a look at the hint."""
    return {
        # Counts of the door's own, which stay numbers even under the tag `token`.
        name: {_text(key): size for key, size in value.items()}
        if name == "cut" and isinstance(value, dict)
        else _walk(name, value)
        for name, value in report.items()
    }


def blunt(data: bytes) -> bytes:
    """Return bytes that are no JSON, as UTF-8, with the secrets hidden that a text shows."""
    return hide_secrets(data.decode("utf-8", "replace").encode())


def _walk(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if secret_name(name.encode()):
        return _FILTERED_TEXT
    return _clean(value)


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return {_text(name): _walk(name, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, int) and value >= _SHORTEST_CARD:
        digits = str(value)
        return value if _text(digits) == digits else _FILTERED_TEXT
    return value


def _text(text: str) -> str:
    encoded = text.encode()
    hidden = hide_secrets(encoded)
    return text if hidden is encoded else hidden.decode("utf-8", "replace")
