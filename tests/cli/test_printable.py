import json

import pytest

from equerry.cli.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("é 漢字 😀", "é 漢字 😀"),
        ("\x1b[31mred", r"\u001b[31mred"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x9b2J\x7f", r"\u009b2J\u007f"),
        ("\u202edrow", r"\u202edrow"),
        ("a\u00a0b", "a b"),
        ("\u2028", r"\u2028"),
        ("\U000e0041", r"\udb40\udc41"),
        ("\ud800", r"\ud800"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    """Whatever could steer a terminal is escaped; letters of every script are not."""
    assert printable(text) == expected


def test_printable_json_means_the_same() -> None:
    """Escaped inside a JSON string, the text is read back as it was."""
    text = 'x\x1b\x9b\u202e\U000e0041"\\'
    line = json.dumps(text, ensure_ascii=False)
    assert json.loads(printable(line)) == text
