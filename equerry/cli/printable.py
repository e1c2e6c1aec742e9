"""Text from outside, made safe to show: what a stranger reports must not steer a terminal."""

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    r"""Return the text with everything that is not printable escaped as JSON does, `\u001b`.

    That is control characters, the Unicode ones that turn the reading direction, and what has no
    shape; other spaces become a plain one. Inside a JSON string the escapes mean the same text.
    """
    if text.isprintable():
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    if character in _SHORT:
        return _SHORT[character]
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
