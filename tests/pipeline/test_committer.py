"""The end of one batch beside the stages of the next: in order, and no failure loses anything."""

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import msgspec
import pytest
from pipeline_bench import MakeBench, Post, archived, die

from equerry import keys
from equerry.archive.segment import Writer
from equerry.errors import ArchiveFull
from equerry.events.event import Event
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream import consumer, dead
from workers.pipeline import batch, commit, drain
from workers.pipeline.batch import Bench

SCOPE, PROJECT = "p1", 1
WAIT_SECONDS = 10.0

Archive = Callable[[Writer, Sequence[Event], Collection[bytes], int], None]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two events make a batch."""
    monkeypatch.setattr(consumer, "MAX_EVENTS", 2)


def run(bench: Bench) -> int:
    """Drain until the stream is empty; returns how many events."""
    return drain.drain(bench, SCOPE, PROJECT, seconds=30.0).events


def ids(settings: Settings) -> Counter[str]:
    """Count the lines of each event in the archive."""
    return Counter(msgspec.json.decode(line)["id"] for line in archived(settings))


def test_a_batch_is_staged_while_the_one_before_ends(
    bench: Bench, post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch ends only once the second has been staged: side by side, or never."""
    posted = post("a", "b", "c", "d")
    staged: list[threading.Event] = [threading.Event(), threading.Event()]
    stage, archive = batch.stage, commit.archive

    def tell(*given: object) -> batch.Staged:
        done = stage(*given)  # type: ignore[arg-type]
        next((event for event in staged if not event.is_set()), threading.Event()).set()
        return done

    def wait(*given: object) -> None:
        assert staged[1].wait(WAIT_SECONDS)
        archive(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(drain, "stage", tell)
    monkeypatch.setattr(commit, "archive", wait)
    assert run(bench) == 4
    assert ids(settings) == Counter(posted)


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_a_full_disk_counts_against_none_that_was_read(
    bench: Bench,
    post: Post,
    redis: Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    """Neither the batch that was refused nor the one staged behind it was delivered; all come."""
    posted = post("a", "b", "c", "d", "e", "f")
    archive, calls = commit.archive, iter(range(1, 100))

    def full(*given: object) -> None:
        if next(calls) == failing:
            raise ArchiveFull("the archive's disk refuses")
        archive(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(commit, "archive", full)
        with pytest.raises(ArchiveFull):
            run(bench)
    pending = redis.xpending_range(keys.events(SCOPE), consumer.GROUP, "-", "+", 100)
    assert pending
    assert {row["times_delivered"] for row in pending} == {0}
    run(bench)
    assert ids(settings) == Counter(posted)


def test_killed_with_a_batch_behind_the_one_that_ends(
    make_bench: MakeBench, post: Post, settings: Settings
) -> None:
    """One batch written and not committed, one read behind it: another takes both over, once."""
    posted = post("a", "b", "c", "d")
    dying = make_bench()
    first = batch.stage(dying, SCOPE, PROJECT, dying.consumer.read(SCOPE))
    batch.stage(dying, SCOPE, PROJECT, dying.consumer.read(SCOPE))
    commit.archive(dying.writer, first.events, (), 1_700_000_000_000)
    die(dying)
    assert run(make_bench()) == 4
    assert ids(settings) == Counter(posted)


@pytest.mark.parametrize("breaking", ["effect", "commit"])
def test_what_an_event_breaks_is_its_own(
    bench: Bench,
    post: Post,
    redis: Redis,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    breaking: str,
) -> None:
    """Whatever one event breaks behind the stages, every other is committed, and it is kept.

    Not written yet, it goes to the dead letters; written, it is tried until it can be committed.
    """
    posted = post(*"abcdefg")
    whole = getattr(commit, breaking)

    def broken(*given: object) -> object:
        found = given[3].events if breaking == "commit" else given[0]  # type: ignore[attr-defined]
        if any(event.id == posted[3] for event in found):  # type: ignore[attr-defined]
            raise OverflowError
        return whole(*given)

    with monkeypatch.context() as patch:
        patch.setattr(commit, breaking, broken)
        for _ in range(5):
            with contextlib.suppress(OverflowError):
                run(bench)
        posted += post("h")
        run(bench)
    buried = [entry.id for entry in dead.letters(redis, SCOPE)]
    waiting = [row[1][b"i"].hex() for row in redis.xrange(keys.events(SCOPE))]
    assert (buried, waiting) == (([posted[3]], []) if breaking == "effect" else ([], [posted[3]]))
    assert ids(settings) == Counter(set(posted) - set(buried))
    assert run(bench) == len(waiting)
    assert ids(settings) == Counter(set(posted) - set(buried))
