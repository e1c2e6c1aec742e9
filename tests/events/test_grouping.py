"""How errors become issues: every pair of the table, and what must never change."""

import pytest
from grouping_cases import Case, cases

from equerry.events.grouping.fingerprint import fingerprint


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.area}: {case.what}")
def test_case(case: Case) -> None:
    """One bug is one issue, two bugs are two."""
    assert case.right(fingerprint)
