"""What other clients did to the shape of the database while it was dumped."""

from collections.abc import Iterable

from equerry.backups.listing import Found
from equerry.backups.manifest import Changed

DROPPED = "dropped meanwhile; what was read before that is in the backup"
CREATED = "created meanwhile; it is not in the backup"
REPLACED = "dropped and created anew meanwhile; the backup may have documents of either"
OPTIONS = "its options were changed meanwhile; the backup has the earlier ones"
INDEXES = "its indexes were changed meanwhile; the backup has the earlier ones"


def between(before: Iterable[Found], after: Iterable[Found]) -> list[Changed]:
    """Compare two listings of the same selection."""
    old = {(each.db, each.name): each for each in before}
    new = {(each.db, each.name): each for each in after}
    return [
        Changed(db=db, name=name, what=what)
        for db, name in sorted(old.keys() | new.keys())
        for what in _differences(old.get((db, name)), new.get((db, name)))
    ]


def lost(gone: Iterable[tuple[str, str]], before: Iterable[Found], after: Iterable[Found]) -> str:
    """Return what was taken for dropped and is there as before, the first; empty: nothing."""
    old = {(each.db, each.name): each.uuid for each in before}
    still = {(each.db, each.name): each.uuid for each in after}
    for key in sorted(gone):
        if key in still and old.get(key) == still[key]:
            return ".".join(key)
    return ""


def _differences(old: Found | None, new: Found | None) -> list[str]:
    if old is None:
        return [CREATED]
    if new is None:
        return [DROPPED]
    if (old.uuid, old.kind) != (new.uuid, new.kind):
        return [REPLACED]
    said = []
    if old.options != new.options:
        said.append(OPTIONS)
    if old.indexes != new.indexes:
        said.append(INDEXES)
    return said
