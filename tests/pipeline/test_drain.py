"""Draining: each accepted event has exactly one effect, whatever is killed and whenever."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from pipeline_bench import MakeBench, Post, archived, die, post_raw
from redis.exceptions import WatchError

from equerry import clock, keys
from equerry.archive.segment import Writer
from equerry.errors import ArchiveFull
from equerry.events.event import Event
from equerry.issues import counters, index, lookup, plan, state, tally
from equerry.issues.plan import Policy
from equerry.redis_client import Redis
from equerry.settings import Settings
from equerry.stream import findings
from equerry.stream.entry import Entry
from workers.pipeline import batch, commit, drain, stages
from workers.pipeline.batch import Bench, Drained

SCOPE, PROJECT = "p1", 1


def run(bench: Bench) -> Drained:
    """Drain until the stream is empty."""
    return drain.drain(bench, SCOPE, PROJECT, seconds=5.0)


def events(bench: Bench, entries: Sequence[Entry]) -> list[Event]:
    """Run the stages as a drain does."""
    done = [stages.run(batch._event(entry, PROJECT), bench.tools) for entry in entries]
    return [event for event in done if isinstance(event, Event)]


def ids(lines: Sequence[bytes]) -> Counter[str]:
    """Count the lines of each event."""
    return Counter(msgspec.json.decode(line)["id"] for line in lines)


def today_errors(redis: Redis) -> int:
    """Return the errors counted on the day of the test's events."""
    return counters.read(redis, SCOPE, [clock.day(1_700_000_000_000)]).get("errors", 0)


def counted_issues(redis: Redis) -> list[int]:
    """Return the counts of all issues, the least first."""
    numbers = redis.zrange(keys.issues(SCOPE), 0, -1)
    return sorted(int(redis.hget(keys.issue(SCOPE, int(each)), "count")) for each in numbers)


@pytest.fixture(autouse=True)
def _counters_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the counters of a fixed past day: their age is not what is tested here."""
    keep = dict.fromkeys(counters._KEEP_SECONDS, 10_000 * 86_400)
    monkeypatch.setattr(counters, "_KEEP_SECONDS", keep)


def test_a_batch_is_archived_counted_and_gone(
    bench: Bench, post: Post, redis: Redis, settings: Settings
) -> None:
    """One line, one count, one issue, one finding; the stream is empty and weighs nothing."""
    posted = post("boom 1", "boom 2", "other thing")
    assert run(bench) == Drained(events=3, findings=2, records=2)
    assert ids(archived(settings)) == Counter(posted)
    assert today_errors(redis) == 3
    assert counted_issues(redis) == [1, 2]
    assert len(findings.read(redis, SCOPE)) == 2
    assert redis.xlen(keys.events(SCOPE)) == 0
    assert int(redis.get(keys.events_bytes(SCOPE))) == 0


def test_a_line_has_the_promised_fields(bench: Bench, post: Post, settings: Settings) -> None:
    """What a reader of the archive may rely on."""
    [posted] = post("password=hunter2 failed", name="TypeError", boundary="global", release="1.2")
    run(bench)
    line = msgspec.json.decode(archived(settings)[0])
    assert line["id"] == posted
    assert (line["project"], line["received_at"]) == (1, "2023-11-14T22:13:20.000Z")
    assert (line["severity"], line["severity_reason"]) == ("critical", "global-boundary")
    assert (line["name"], line["release"]) == ("TypeError", "1.2")
    assert line["message"] == "password=[Filtered] failed"
    assert len(line["fingerprint"]) == 32
    assert {"_id", "timestamp"} <= line.keys()


def test_a_known_issue_is_no_finding_again(bench: Bench, post: Post, redis: Redis) -> None:
    """Only the first of a fingerprint is new."""
    post("boom 1")
    run(bench)
    post("boom 2", "boom 3")
    assert run(bench) == Drained(events=2, findings=0)
    assert counted_issues(redis) == [3]


def test_an_issue_that_gets_worse_is_told(bench: Bench, post: Post, redis: Redis) -> None:
    """First seen as low, then critical: that is news."""
    post("boom 1", level="warning")
    run(bench)
    post("boom 2", level="fatal")
    assert run(bench).findings == 1
    rules = [finding.rule for _, finding in findings.read(redis, SCOPE)]
    assert rules == ["new-issue", "worse-issue"]
    assert lookup.read_states(redis, SCOPE, [1])[1].severity == "critical"


def test_a_grave_issue_that_goes_on_is_told_again(bench: Bench, post: Post, redis: Redis) -> None:
    """After the repeat time, and only from high up: a broken checkout is not told once a life."""
    post("payment broke 1", level="fatal")
    post("a detail broke 1", handled=True)
    assert run(bench).findings == 2
    post("payment broke 2", level="fatal")
    assert run(bench).findings == 0
    for number, known in lookup.read_states(redis, SCOPE, [1, 2]).items():
        a_day_ago = msgspec.structs.replace(known, told_ms=known.told_ms - 86_400_000)
        redis.hset(keys.states(SCOPE), number, state.encode(a_day_ago))
    post("payment broke 3", level="fatal")
    post("a detail broke 2", handled=True)
    assert run(bench).findings == 1
    assert findings.read(redis, SCOPE)[-1][1].title == "payment broke 3"


def test_a_flood_of_new_issues_leaves_none_out(bench: Bench, post: Post) -> None:
    """However many are new at once, each becomes a finding; the bundle is what is bounded."""
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)} broke" for n in range(300)]
    for start in range(0, 300, 100):
        post(*words[start : start + 100])
    assert run(bench).findings == 300


def test_killed_before_the_archive(
    make_bench: MakeBench, post: Post, redis: Redis, settings: Settings
) -> None:
    """A consumer that read a batch and died: another takes it over, all of it, once."""
    posted = post("a", "b", "c")
    dying = make_bench()
    dying.consumer.read(SCOPE)
    die(dying)
    assert run(make_bench()).events == 3
    assert ids(archived(settings)) == Counter(posted)
    assert today_errors(redis) == 3


def test_killed_between_archive_and_commit(
    make_bench: MakeBench, post: Post, redis: Redis, settings: Settings
) -> None:
    """The lines are there, the counters are not: they are counted, and not written again."""
    posted = post("a", "b", "c")
    dying, other = make_bench(), make_bench()
    entries = dying.consumer.read(SCOPE)
    commit.archive(dying.writer, events(dying, entries), (), clock.now_ms())
    die(dying)
    assert run(other).events == 3
    assert ids(archived(settings)) == Counter(posted)
    assert today_errors(redis) == 3
    assert redis.xlen(keys.events(SCOPE)) == 0


def test_killed_twice_in_the_same_place(
    make_bench: MakeBench, post: Post, settings: Settings
) -> None:
    """The lines lie in the first one's segment while the entries are the second one's."""
    posted = post("a", "b", "c")
    first, second, third = make_bench(), make_bench(), make_bench()
    entries = first.consumer.read(SCOPE)
    commit.archive(first.writer, events(first, entries), (), clock.now_ms())
    die(first)
    second.consumer.claim(SCOPE, second.consumer.left(SCOPE, first.consumer.name))
    die(second)
    assert run(third).events == 3
    assert ids(archived(settings)) == Counter(posted)


def test_the_same_stream_id_of_another_project_is_another_event(
    make_bench: MakeBench, post: Post, redis: Redis, settings: Settings
) -> None:
    """Streams give their ids by themselves, and two projects' events may have the same."""
    [posted] = post("ours")
    [(stream_id, _)] = redis.xrange(keys.events(SCOPE))
    dying = make_bench()
    dying.consumer.read(SCOPE)
    other = Event(
        stream_id=stream_id.decode(),
        id="cd" * 16,
        kind="errors",
        project=2,
        received_ms=1,
        raw=b'{"timestamp":"t","message":"theirs"}',
    )
    commit.archive(dying.writer, [other], (), clock.now_ms())
    die(dying)
    assert run(make_bench()).events == 1
    assert ids(archived(settings)) == Counter([posted, "cd" * 16])


def test_killed_within_a_line(make_bench: MakeBench, post: Post, settings: Settings) -> None:
    """Half a line at the end is cut by who takes the slot next, and the event is written whole."""
    posted = post("a", "b")
    dying = make_bench()
    done = events(dying, dying.consumer.read(SCOPE))
    commit.archive(dying.writer, done[:1], (), clock.now_ms())
    [segment] = list((settings.data_path / "archive" / "errors").glob("*/*"))
    with segment.open("ab") as file:
        file.write(b'{"_id":"17000')
    die(dying)
    heir = make_bench()
    assert heir.consumer.name == dying.consumer.name
    assert run(heir).events == 2
    assert ids(archived(settings)) == Counter(posted)
    assert all(msgspec.json.decode(line) for line in segment.read_bytes().splitlines())


def test_a_living_consumer_keeps_its_batch(make_bench: MakeBench, post: Post) -> None:
    """However slow it is: nobody takes over from a process that lives."""
    post("a")
    slow, other = make_bench(), make_bench()
    slow.consumer.read(SCOPE)
    assert run(other) == Drained()


def test_a_failed_try_is_finished_by_the_same_process(
    bench: Bench, post: Post, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis gone at the commit: the next drain of the same process finishes, without doubling."""
    posted = post("a", "b")

    def gone(*_args: object) -> int:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(commit, "commit", gone)
        with pytest.raises(ConnectionError):
            run(bench)
    assert today_errors(redis) == 0
    assert run(bench).events == 2
    assert ids(archived(settings)) == Counter(posted)
    assert today_errors(redis) == 2


def test_taken_over_and_failed_again(
    make_bench: MakeBench, post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Archived by one that died, taken over, Redis gone at the commit: still no line twice."""
    posted = post("a", "b")
    dying, heir = make_bench(), make_bench()
    entries = dying.consumer.read(SCOPE)
    commit.archive(dying.writer, events(dying, entries), (), clock.now_ms())
    die(dying)

    def gone(*_args: object) -> int:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(commit, "commit", gone)
        for _ in range(4):
            with pytest.raises(ConnectionError):
                run(heir)
    assert run(heir).events == 2
    assert ids(archived(settings)) == Counter(posted)


def test_one_that_stalled_and_was_taken_over_counts_nothing(
    make_bench: MakeBench, post: Post, redis: Redis
) -> None:
    """Another machine's consumer that slept through its take-over finds the fence moved."""
    post("a", "b")
    asleep, heir = make_bench(), make_bench()
    entries = asleep.consumer.read(SCOPE)
    heir.consumer.fence(SCOPE, asleep.consumer.name)
    taken = heir.consumer.claim(SCOPE, heir.consumer.left(SCOPE, asleep.consumer.name))
    assert batch.process(heir, SCOPE, PROJECT, taken).events == 2
    with pytest.raises(WatchError):
        batch.process(asleep, SCOPE, PROJECT, entries)
    assert today_errors(redis) == 2
    post("c")
    assert run(asleep).events == 1  # what it reads from now on is its own again
    assert int(redis.get(keys.events_bytes(SCOPE))) == 0


def test_an_heir_of_a_fenced_slot_takes_over_others(make_bench: MakeBench, post: Post) -> None:
    """A slot that was fenced in an earlier life commits what its new holder takes over."""
    first, second = make_bench(), make_bench()
    post("a")
    first.consumer.fence(SCOPE, first.consumer.name)
    die(first)
    second.consumer.read(SCOPE)
    die(second)
    assert run(make_bench()).events == 1


def test_a_commit_that_arrives_late_counts_nothing(
    make_bench: MakeBench, post: Post, redis: Redis, settings: Settings
) -> None:
    """Held up on its way while another took over: it fails, and nothing was counted twice."""
    posted = post("a", "b")
    late, heir = make_bench(), make_bench()
    entries = late.consumer.read(SCOPE)
    done = events(late, entries)
    commit.archive(late.writer, done, (), clock.now_ms())
    with redis.pipeline(transaction=True) as pipe:
        pipe.watch(keys.fence(SCOPE, late.consumer.name))
        pipe.multi()
        added = tally.tally(done)
        known = lookup.look_up(redis, SCOPE, added.issues)
        index.write(pipe, SCOPE, added, plan.plan(added, known, Policy("web")))
        die(late)
        assert run(heir).events == 2
        with pytest.raises(WatchError):
            pipe.execute()
    assert today_errors(redis) == 2
    assert ids(archived(settings)) == Counter(posted)


def test_a_poison_event_holds_nobody_up_and_ends_dead(
    bench: Bench, post: Post, redis: Redis, settings: Settings
) -> None:
    """Its batch is committed; after three deliveries it is a dead letter, scrubbed."""
    poison = post_raw(redis, b"not json password=hunter2 {")
    posted = post("a", "b")
    assert run(bench) == Drained(events=2, findings=2, failed=1, records=2)
    assert redis.xlen(keys.dead(SCOPE)) == 0
    for _ in range(4):
        run(bench)
    [(_, letter)] = redis.xrange(keys.dead(SCOPE))
    assert letter[b"i"].hex() == poison
    assert b"hunter2" not in letter[b"d"]
    assert int(letter[b"n"]) == 3
    assert redis.xlen(keys.events(SCOPE)) == 0
    assert int(redis.get(keys.events_bytes(SCOPE))) == 0
    assert ids(archived(settings)) == Counter(posted)


def test_an_event_that_kills_its_worker_takes_no_other_along(
    make_bench: MakeBench, post: Post, redis: Redis, settings: Settings
) -> None:
    """From the second delivery on each runs alone, so only the killer comes to a third."""
    posted = post("a", "killer", "b")

    def drain_until_killed(bench: Bench) -> None:
        real = stages.run

        def run_or_die(event: Event, tools: object) -> Event | stages.Failed:
            if b"killer" in event.raw:
                raise KeyboardInterrupt
            return real(event, tools)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stages, "run", run_or_die)
            with pytest.raises(KeyboardInterrupt):
                run(bench)
        die(bench)

    for _ in range(3):
        drain_until_killed(make_bench())
    for _ in range(2):
        run(make_bench())
    assert [fields[b"i"].hex() for _, fields in redis.xrange(keys.dead(SCOPE))] == [posted[1]]
    assert ids(archived(settings)) == Counter([posted[0], posted[2]])


class FullDisk(Writer):
    """A writer whose disk is full while it is told so."""

    full = True

    def append(self, lines: Mapping[str, Sequence[bytes]], now_ms: int) -> None:
        """Refuse, or write."""
        if self.full:
            raise ArchiveFull("no space left")
        super().append(lines, now_ms)


def test_a_full_disk_stops_and_loses_nothing(
    bench: Bench, post: Post, redis: Redis, settings: Settings
) -> None:
    """The events wait; with room again they are all there, once."""
    posted = post("a", "b")
    writer = FullDisk(settings.data_path / "archive", bench.consumer.name)
    full = bench._replace(writer=writer)
    for _ in range(5):
        with pytest.raises(ArchiveFull):
            run(full)
    assert redis.xlen(keys.events(SCOPE)) == 2
    assert redis.xlen(keys.dead(SCOPE)) == 0
    writer.full = False
    run(full)
    assert ids(archived(settings)) == Counter(posted)


def test_noise_is_archived_and_counted_apart(
    bench: Bench, post: Post, redis: Redis, settings: Settings
) -> None:
    """Dropped is not lost: it has its own kind, and is neither an issue nor a finding."""
    post("Script error.")
    assert run(bench) == Drained(events=1, findings=0)
    [line] = archived(settings, "noise")
    assert msgspec.json.decode(line)["noise"] == "script-error"
    assert counted_issues(redis) == []
    counted = counters.read(redis, SCOPE, [clock.day(1_700_000_000_000)])
    assert counted == {"noise": 1, "noise.script-error": 1}
