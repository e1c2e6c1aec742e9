"""The spool: kept before the yes, sent back in order, bounded, and safe from a kill."""

import errno
import os
import resource
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from equerry.errors import RedisAway, SpoolFull
from equerry.stream.entry import Entry
from equerry.stream.spool import Spool, Spooled


def spooled(number: int, scope: str = "p1") -> list[Spooled]:
    """Return lines to spool."""
    return [
        Spooled(scope, Entry(b"", "errors", uuid.uuid4().hex, n, b'{"timestamp":"a b"}'))
        for n in range(number)
    ]


class Taker:
    """Takes what is replayed, until it is told to fail."""

    def __init__(self, fail_after: int = 1_000_000) -> None:
        self.taken: list[tuple[str, Entry]] = []
        self.fail_after = fail_after

    def __call__(self, scope: str, entries: Sequence[Entry]) -> None:
        """Take them all, or none."""
        if len(self.taken) + len(entries) > self.fail_after:
            raise RedisAway("gone")
        self.taken += [(scope, entry) for entry in entries]


def test_what_was_kept_is_sent_in_order(tmp_path: Path) -> None:
    """Entries come back as they were, in order, and the spool is empty afterwards."""
    spool = Spool(tmp_path, 1_000_000)
    kept = [*spooled(300), *spooled(3, "p2"), *spooled(2)]
    spool.append(kept)
    taker = Taker()
    assert spool.replay(taker) == 305
    assert taker.taken == [(row.scope, row.entry) for row in kept]
    assert spool.bytes_used() == 0
    assert spool.replay(taker) == 0


def test_a_replay_that_fails_starts_over(tmp_path: Path) -> None:
    """Nothing is dropped when Redis goes away again halfway; the repeats are the door's to know."""
    spool = Spool(tmp_path, 1_000_000)
    kept = spooled(500)
    spool.append(kept)
    with pytest.raises(RedisAway):
        spool.replay(Taker(fail_after=250))
    spool.append(more := spooled(1))
    taker = Taker()
    spool.replay(taker)
    assert [entry for _, entry in taker.taken] == [row.entry for row in [*kept, *more]]


def test_a_full_spool_keeps_none_of_a_request(tmp_path: Path) -> None:
    """All of a request or none of it, and the limit holds."""
    spool = Spool(tmp_path, 500)
    spool.append(spooled(5))
    used = spool.bytes_used()
    with pytest.raises(SpoolFull, match=r"queue\.spool_max_bytes"):
        spool.append(spooled(5))
    assert spool.bytes_used() == used <= 500


def test_the_spool_of_a_dead_process_is_sent_by_another(tmp_path: Path) -> None:
    """A process that never came back does not take its events along."""
    dead = Spool(tmp_path, 1_000_000)
    kept = spooled(3)
    dead.append(kept)
    living = Spool(tmp_path, 1_000_000)
    assert living.replay(Taker()) == 0  # its holder lives
    dead._slots.release(1)
    taker = Taker()
    assert living.replay(taker) == 3
    assert [entry for _, entry in taker.taken] == [row.entry for row in kept]


def test_a_torn_last_line_was_never_answered(tmp_path: Path) -> None:
    """A kill within a write leaves half a line: it is passed over, what is before it is sent."""
    spool = Spool(tmp_path, 1_000_000)
    spool.append(spooled(2))
    with (tmp_path / "1.spool").open("ab") as file:
        file.write(b"p1 errors 0123")
    taker = Taker()
    assert spool.replay(taker) == 2


def test_an_append_after_a_torn_line_keeps_its_own_line(tmp_path: Path) -> None:
    """What is appended behind half a line is not swallowed by it."""
    spool = Spool(tmp_path, 1_000_000)
    spool.append(spooled(1))
    with (tmp_path / "1.spool").open("ab") as file:
        file.write(b"p1 errors 0123")
    kept = spooled(2)
    spool.append(kept)
    taker = Taker()
    spool.replay(taker)
    assert [entry for _, entry in taker.taken][1:] == [row.entry for row in kept]


def test_a_damaged_line_is_set_aside(tmp_path: Path) -> None:
    """One line that the disk damaged holds up nothing, and stays where a person finds it."""
    spool = Spool(tmp_path, 1_000_000)
    (tmp_path / "1.spool").write_bytes(b"garbage\n")
    spool.append(spooled(1))
    taker = Taker()
    assert spool.replay(taker) == 1
    assert (tmp_path / "damaged.lines").read_bytes() == b"garbage\n"


def test_a_damaged_line_is_set_aside_once(tmp_path: Path) -> None:
    """Redis that goes away again and again does not fill the disk with the same line."""
    spool = Spool(tmp_path, 1_000_000)
    (tmp_path / "1.spool").write_bytes(b"garbage\n")
    spool.append(spooled(1))
    for _ in range(5):
        with pytest.raises(RedisAway):
            spool.replay(Taker(fail_after=0))
    spool.replay(Taker())
    assert (tmp_path / "damaged.lines").read_bytes() == b"garbage\n"


def test_a_disk_that_refuses_is_a_full_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No folder, no descriptor, a torn line that cannot be cut: all are one error, no leak."""
    spool = Spool(tmp_path / "spool", 100_000_000)
    (tmp_path / "spool").rename(tmp_path / "away")
    assert not spool.has_room()
    with pytest.raises(SpoolFull, match="No such file"):
        spool.append(spooled(1))
    (tmp_path / "away").rename(tmp_path / "spool")
    assert spool.has_room()

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The listing's own descriptor is among them: its number is the first that is free.
    resource.setrlimit(resource.RLIMIT_NOFILE, (_free_descriptor(), hard))
    try:
        with pytest.raises(SpoolFull, match="Too many open files"):
            spool.append(spooled(1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    before = _free_descriptor()
    with monkeypatch.context() as patch:
        patch.setattr("equerry.stream.spool.cut_torn_line", refuse)
        with pytest.raises(SpoolFull, match="Input/output"):
            spool.append(spooled(1))
    assert _free_descriptor() == before
    spool.append(spooled(1))
    assert spool.replay(Taker()) == 1


def _free_descriptor() -> int:
    descriptor = os.open("/", os.O_RDONLY)
    os.close(descriptor)
    return descriptor
