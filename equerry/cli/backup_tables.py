"""How backups are told of: rows of JSON, tables, and the words for what is to be known."""

from collections.abc import Iterator

import msgspec
from rich.filesize import decimal
from rich.table import Table

from equerry.backups.catalogue import Entry, State
from equerry.backups.dump import Made
from equerry.backups.manifest import Consistency, Manifest
from equerry.backups.records import Fault, Verified
from equerry.cli import tables
from equerry.cli.printable import printable

FAULTS_SHOWN = 20
LEFT_OUT_SHOWN = 50
STATES = {
    State.PROVEN: "proven",
    State.SEALED: "hashes proven",
    State.UNREAD: "not read back",
    State.FAULTY: "FAULTY",
}
# What every server has for itself, and nobody misses.
OF_THE_SERVER = frozenset({"local", "config"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A backup as it is listed. Times are RFC 3339, empty for never; says: what is wrong."""

    name: str
    state: State
    good: bool
    whole: bool
    created_at: str
    finished_at: str
    documents: int
    plain_bytes: int
    stored_bytes: int
    consistency: str
    encrypted: bool
    left_out: int
    changed: int
    verified_at: str
    says: str


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What `create` made, and what reading it back found."""

    name: str
    path: str
    documents: int
    collections: int
    plain_bytes: int
    stored_bytes: int
    consistency: Consistency
    good: bool
    faults: tuple[Fault, ...]


def size(count: int) -> str:
    """Return bytes in a unit that fits: `1.2 GB`."""
    return decimal(count)


def created(made: Made, verified: Verified | None) -> Created:
    """Return the row of a new backup."""
    held = made.manifest
    return Created(
        name=held.name,
        path=str(made.path),
        documents=held.documents,
        collections=len(held.collections),
        plain_bytes=held.plain_bytes,
        stored_bytes=held.stored_bytes,
        consistency=held.consistency,
        good=verified is not None and not verified.faults,
        faults=verified.faults if verified else (),
    )


def row(entry: Entry) -> Row:
    """Return a backup's row."""
    held = entry.manifest
    return Row(
        name=entry.name,
        state=entry.state,
        good=entry.state.is_good,
        whole=held.whole if held else False,
        created_at=held.created_at if held else "",
        finished_at=held.finished_at if held else "",
        documents=held.documents if held else 0,
        plain_bytes=held.plain_bytes if held else 0,
        stored_bytes=held.stored_bytes if held else 0,
        consistency=held.consistency.value if held else "",
        encrypted=bool(held and held.encryption),
        left_out=len(held.left_out) if held else 0,
        changed=len(held.changed) if held else 0,
        verified_at=entry.verified.at if entry.verified else "",
        says=entry.says,
    )


def table(entries: list[Entry], now_ms: int) -> Table:
    """Return the list, in the order given."""
    made = Table(box=None, pad_edge=False)
    made.add_column("Backup", no_wrap=True)
    for name in ("Age", "Documents", "Size", "Stored"):
        made.add_column(name, no_wrap=True, justify="right")
    for name in ("Consistency", "Read back"):
        made.add_column(name, no_wrap=True)
    for each in map(row, entries):
        made.add_row(
            each.name,
            tables.ago(each.created_at, now_ms) if each.created_at else "?",
            f"{each.documents:,}",
            size(each.plain_bytes),
            size(each.stored_bytes) + (" (encrypted)" if each.encrypted else ""),
            each.consistency or "?",
            STATES[each.state] + (f" {each.verified_at[:10]}" if each.good else ""),
        )
    return made


def caveats(held: Manifest) -> Iterator[str]:
    """Yield what is to be known of a backup: consistency, what is not in it, what changed."""
    note = f": {printable(held.consistency_note)}" if held.consistency_note else ""
    yield f"consistency {held.consistency.value}{note}"
    named = [each for each in held.left_out if each.db not in OF_THE_SERVER]
    for each in named[:LEFT_OUT_SHOWN]:
        full = f"{each.db}.{each.name}" if each.name else each.db
        yield f"not in it: {printable(full)}: {printable(each.why)}"
    if len(named) > LEFT_OUT_SHOWN:
        yield f"not in it: {len(named) - LEFT_OUT_SHOWN:,} more; `equerry backup show` has them"
    for change in held.changed[:LEFT_OUT_SHOWN]:
        yield f"{printable(f'{change.db}.{change.name}')}: {printable(change.what)}"
    if len(held.changed) > LEFT_OUT_SHOWN:
        yield f"{len(held.changed) - LEFT_OUT_SHOWN:,} more changed; `equerry backup show` has them"


def outcome(name: str, verified: Verified | None) -> str:
    """Return one sentence on how far it was proven."""
    if verified is None:
        return f"not read back yet: `equerry backup verify {name}`"
    if verified.faults:
        return f"{len(verified.faults):,} faults: do not rely on it"
    if not verified.read:
        return "each file is the one that was written; without a private key none was looked into"
    return (
        f"{verified.documents:,} documents read back in {verified.seconds:.1f} s:"
        " every byte is right"
    )


def faults(verified: Verified | None) -> Iterator[str]:
    """Yield the faults, a line each."""
    found = verified.faults if verified else ()
    for each in found[:FAULTS_SHOWN]:
        yield f"{printable(each.path)}: {each.what.value}: {printable(each.says)}"
    if len(found) > FAULTS_SHOWN:
        yield f"and {len(found) - FAULTS_SHOWN:,} more; --json has them all"
