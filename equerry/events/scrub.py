"""Hides what nobody should read back: passwords, tokens, cards, e-mail addresses, user names.

Clean reports, nearly all of them, cost one search over their bytes and pass as they are.
"""

from typing import Any

import msgspec

from equerry.events.linear import linear, which
from equerry.events.secret_named import FILTERED
from equerry.events.secret_names import STEM, secret_name
from equerry.events.secret_values import HINTS, hide_secrets

# A superset of all that the walk hides. The door's own encoder escapes no ASCII letter, so that no
# `\u0070assword` stands in a report.
_WORD = r"[A-Za-z0-9_.\[\]$:-]*"
_NAMING = ("name", "key", "header", "field")
_hinted = which(
    [
        "|".join(
            (
                *HINTS,
                # A name that is a key …
                rf'{STEM}(?:[^"\\]|(?s:\\.))*"\s*:',
                # … an item of a list, or what is under `name`.
                rf"(?:[\[,]|\"(?i:{'|'.join(_NAMING)})\":)\"(?:b?')?{_WORD}{STEM}{_WORD}'?\"",
            )
        )
    ]
)
_FILTERED_TEXT = FILTERED.decode()
_SINGLE_WORD = linear(rf"{_WORD}\z")
_REPR_OF_WORD = linear(rf"b?'({_WORD})'\z")
# What may be a payment card as a number; from there on JSON writes a float with an exponent.
_SHORTEST_CARD = 10**13
_LONGEST_CARD = 10**16
_PEM_BEGINS = "-----BEGIN "
_PEM_ENDS = "-----END "


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
    return {name: _cleaned_field(name, value) for name, value in report.items()}


def _cleaned_field(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, int | float):
        return value  # a count or a measurement, which is read as one again
    if name == "cut" and isinstance(value, dict):
        # Counts of the door's own, which stay numbers even under the tag `token`.
        return {_text(key): size for key, size in value.items()}
    return _walk(name, value)


def blunt(data: bytes) -> bytes:
    """Return bytes that are no JSON, as UTF-8, with the secrets hidden that a text shows."""
    return hide_secrets(data.decode("utf-8", "replace").encode())


def _walk(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if secret_name(name.encode()) and not (
        isinstance(value, int | float) and name.lower() == "pass"
    ):
        return _FILTERED_TEXT
    return _clean(value)


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _clean_dict(value)
    if isinstance(value, list):
        return _clean_list(value)
    if isinstance(value, int | float) and value >= _SHORTEST_CARD:
        return _clean_number(value)
    return value


def _clean_dict(value: dict[str, Any]) -> dict[str, Any]:
    """Hide by the keys, and the `value` of a `{"name": "password", "value": …}`."""
    cleaned = {_text(name): _walk(name, item) for name, item in value.items()}
    if any(_naming(name) and _names_secret(item) for name, item in value.items()):
        for name in cleaned:
            if name.lower() in {"value", "values"}:
                cleaned[name] = _FILTERED_TEXT
    return cleaned


def _clean_list(items: list[Any]) -> list[Any]:
    """Hide by each item's own look, and by the item before.

    That one is a secret name at an even place (`["Authorization", …]`, Node's `rawHeaders`), an
    option (`["--token", …]`), or a line of a private key that has not ended. Either may be quoted:
    Python's SDK sends a variable's items as `repr` shows them (`["b'cookie'", …]` of ASGI).
    """
    cleaned = []
    hide_next = in_key = False
    for place, item in enumerate(items):
        if isinstance(item, str) and (in_key or _PEM_BEGINS in item):
            begun = in_key and _PEM_ENDS not in item
            cleaned.append(_FILTERED_TEXT if in_key else _text(item))
            in_key = begun or item.rfind(_PEM_BEGINS) > item.rfind(_PEM_ENDS)
            hide_next = False
            continue
        cleaned.append(_FILTERED_TEXT if hide_next else _clean(item))
        hide_next = (
            not hide_next
            and _names_secret(item)
            and (place % 2 == 0 or item.startswith(("-", "'-")))
        )
    return cleaned


def _naming(key: str) -> bool:
    # The hint folds no letter but ASCII's, and the Kelvin sign's small letter is a `k`.
    return key.isascii() and key.lower() in _NAMING


def _names_secret(item: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether a value is one word that names a secret: `X-Api-Key`, `--password`, `'token'`."""
    if not isinstance(item, str):
        return False
    word = item.encode()
    if shown := _REPR_OF_WORD.match(word):
        word = shown.group(1)
    return _SINGLE_WORD.match(word) is not None and secret_name(word.strip(b"-"))


def _clean_number(number: float) -> Any:  # noqa: ANN401 - the number or the text in its place
    if isinstance(number, float) and not (number < _LONGEST_CARD and number.is_integer()):
        return number
    digits = str(int(number))
    return number if _text(digits) == digits else _FILTERED_TEXT


def _text(text: str) -> str:
    encoded = text.encode()
    hidden = hide_secrets(encoded)
    return text if hidden is encoded else hidden.decode("utf-8", "replace")
