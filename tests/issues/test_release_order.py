import pytest

from equerry.issues import release_order

FIRST_SEEN = {"a1b2c3": 10, "d4e5f6": 20, "web@1.9.0": 30, "web@1.10.0": 5, "of-a1b2c3": 10}


@pytest.mark.parametrize(
    ("release", "other", "after"),
    [
        ("1.10.0", "1.9.0", True),
        ("1.9.0", "1.10.0", False),
        ("web@1.10.0", "web@1.9.0", True),
        ("v2.0", "1.9.9", True),
        ("2.0", "2.0.0", None),
        ("1.0.0", "1.0.0-rc.1", True),
        ("1.0.0-rc.2", "1.0.0-rc.10", False),
        ("1.0.0-alpha.1", "1.0.0-alpha.beta", False),
        ("1.0.0-beta", "1.0.0-alpha.9", True),
        ("1.0.0+build.5", "1.0.0", None),
        ("2026.11.24", "2026.9.1", True),
        ("d4e5f6", "a1b2c3", True),
        ("a1b2c3", "d4e5f6", False),
        ("a1b2c3", "unseen", None),
        ("a1b2c3", "of-a1b2c3", None),
        ("api@2.0.0", "web@1.9.0", None),
        ("1234567", "1234568", None),
        ("1.0.0", "1.0.0", False),
    ],
)
def test_is_after(release: str, other: str, after: bool | None) -> None:
    """Versions of one package by semver, other names by when each was first seen."""
    assert release_order.is_after(release, other, FIRST_SEEN) is after
