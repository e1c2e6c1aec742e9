"""What issues are called."""

import pytest

from equerry.events.report import ErrorReport
from equerry.issues.tally import TITLE_CHARS, UNTITLED, title


@pytest.mark.parametrize(
    ("name", "message", "expected"),
    [
        ("TypeError", "x is undefined", "TypeError: x is undefined"),
        ("", "\n payment refused \r\n at once", "payment refused"),
        ("TypeError", " \n ", "TypeError"),
        ("", "", UNTITLED),
        ("", "x" * 1_000, "x" * (TITLE_CHARS - 1) + "…"),
    ],
)
def test_title(name: str, message: str, expected: str) -> None:
    """Name and first line, cut; where there is neither, a list must not have a blank place."""
    assert title(ErrorReport(message=message, name=name, timestamp="t", level="error")) == expected
