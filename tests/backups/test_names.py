"""mongodump's names of files, and back."""

import pytest

from equerry.backups import names
from equerry.errors import BackupError


@pytest.mark.parametrize(
    ("collection", "stem"),
    [
        ("orders", "orders"),
        ("a b/c+d%e", "a+b%2Fc%2Bd%25e"),
        ("ünï", "%C3%BCn%C3%AF"),
        ("x:y*?", "x%3Ay%2A%3F"),
        ("fs.files", "fs.files"),
        ("under_score-dash~tilde", "under_score-dash~tilde"),
        ("new\nline\ttab", "new%0Aline%09tab"),
        ("..", ".."),
    ],
)
def test_quotes_as_mongodump_does(collection: str, stem: str) -> None:
    """A collection's name becomes the file name that mongodump gives it, and comes back from it."""
    assert names.stem(collection) == stem
    assert names.collection(stem) == collection


def test_a_long_name_is_cut_and_marked() -> None:
    """Beyond 238 bytes a name is its beginning and a hash; its metadata then has the name."""
    long = "ü" * 60
    assert len(names.stem("a" * 238)) == 238
    assert names.collection("a" * 238) == "a" * 238
    assert len(names.stem(long)) == 238
    assert names.stem(long) == ("%C3%BC" * 60)[:208] + "%24tW85TjFTF0GKrymoFc4QxBdG19w"
    assert names.collection(names.stem(long)) is None


@pytest.mark.parametrize("database", ["", ".", "..", "a/b", "../../etc", "a\0b", "a\nb"])
def test_a_database_that_is_no_folder_is_refused(database: str) -> None:
    """A server's lie about a name of a database writes nothing outside of the backup."""
    with pytest.raises(BackupError):
        names.folder(database)


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("shop/orders.bson.gz", True),
        ("prelude.json.gz", True),
        ("", False),
        ("/etc/passwd", False),
        ("../x", False),
        ("shop/../../x", False),
        ("shop//x", False),
        ("shop/./x", False),
    ],
)
def test_a_path_that_leaves_the_backup_is_told(path: str, inside: bool) -> None:
    """What a manifest names lies in its backup."""
    assert names.is_inside(path) is inside
