"""What a batch leaves in Valkey, and that it is bounded whatever strangers send."""

import pytest
from issue_events import NOW_MS, SCOPE, error, happen

from equerry import clock, keys
from equerry.events.severity import Severity
from equerry.issues import index, lookup, query, record, samples, update, view
from equerry.redis_client import Redis

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
PROJECTS = {SCOPE: "web"}


def shown(redis: Redis, number: int = 1, now_ms: int = NOW_MS) -> view.Details:
    """Return one issue."""
    return view.show(redis, SCOPE, "web", number, now_ms)


def test_an_issue(redis: Redis) -> None:
    """Title and culprit of the first, times and severity of all, users told apart, tags counted."""
    happen(
        redis,
        error(at_ms=NOW_MS - 30 * HOUR_MS, release="1.1", user="ada", transaction="cart"),
        error(at_ms=NOW_MS - HOUR_MS, release="1.2", user="bob", severity=Severity.HIGH),
    )
    happen(
        redis,
        error(release="1.2", user="ada", environment="production", tags={"browser": "Firefox"}),
    )
    details = shown(redis)
    issue = details.issue
    assert (issue.id, issue.title, issue.culprit) == ("WEB-1", "f1 broke", "cart")
    assert (issue.count, issue.count_hour, issue.count_day, issue.users) == (3, 1, 2, 2)
    assert issue.first_seen == clock.rfc3339(NOW_MS - 30 * HOUR_MS)
    assert (issue.last_seen, issue.severity) == (clock.rfc3339(NOW_MS), "high")
    assert (issue.first_release, issue.last_release) == ("1.1", "1.2")
    assert details.tags == {
        "level": {"error": 3},
        "release": {"1.2": 2, "1.1": 1},
        "environment": {"production": 1},
        "browser": {"Firefox": 1},
    }
    assert details.days == {"2026-11-22": 1, "2026-11-23": 2}
    assert list(details.hours.values()) == [1, 1]


def test_numbers_go_on(redis: Redis) -> None:
    """Each fingerprint has the next number, in the order in which they came, and keeps it."""
    happen(redis, error("b"), error("a"))
    happen(redis, error("a"), error("c"))
    assert redis.hgetall(keys.fingerprints(SCOPE)) == {b"b": b"1", b"a": b"2", b"c": b"3"}


def test_tags_are_bounded(redis: Redis) -> None:
    """Values without end count as `(other)`, and so do keys without end; nothing goes uncounted."""
    for start in range(0, 2_000, 500):
        some = range(start, start + 500)
        happen(redis, *(error(tags={"id": str(n), f"key{n}": "x"}) for n in some))
    tags = shown(redis).tags
    assert sum(tags["id"].values()) == 2_000
    assert tags["id"]["(other)"] > 1_000
    assert tags["level"] == {"error": 2_000}
    size = redis.hlen(keys.issue_part(SCOPE, 1, "tags"))
    assert size <= update.MOST_TAGS * 2 + 2
    assert sum(tags["(other)"].values()) > 1_000


def test_a_flood_of_tags_hides_no_release(redis: Redis) -> None:
    """Strangers' tags that took every place leave room for what reports say of themselves."""
    happen(redis, *(error(tags={"id": str(n)}) for n in range(1_000)))
    happen(redis, error(release="1.2", environment="live", tags={"id": "new"}))
    tags = shown(redis).tags
    assert tags["release"] == {"1.2": 1}
    assert tags["environment"] == {"live": 1}
    assert "new" not in tags["id"]
    happen(redis, *(error(release=f"2.{n}") for n in range(1_000)))
    assert redis.hlen(keys.issue_part(SCOPE, 1, "tags")) <= update.MOST_TAGS * 3 / 2 + 2


def test_first_and_last_release_by_any_batch(redis: Redis) -> None:
    """Batches of any size say the same: a rebuild's are larger than those of the drain."""
    seen = [error(at_ms=NOW_MS + at, release=name) for at, name in enumerate(("", "1", "2", "1"))]
    happen(redis, *seen)
    assert (shown(redis).issue.first_release, shown(redis).issue.last_release) == ("1", "1")
    redis.flushall()
    for each in seen:
        happen(redis, each)
    assert (shown(redis).issue.first_release, shown(redis).issue.last_release) == ("1", "1")


def test_releases_of_one_batch_keep_their_order(redis: Redis) -> None:
    """Hashes have no order but that of their first events, each at its own time."""
    names = ("c0ffee", "bad", "c0ffee", "feed")
    happen(redis, *(error(at_ms=NOW_MS + at, release=name) for at, name in enumerate(names)))
    first_seen = redis.zrange(keys.releases(SCOPE), 0, -1, withscores=True)
    assert first_seen == [(b"c0ffee", NOW_MS), (b"bad", NOW_MS + 1), (b"feed", NOW_MS + 3)]
    happen(redis, error("late", at_ms=NOW_MS - 1, release="feed"))
    assert redis.zscore(keys.releases(SCOPE), "feed") == NOW_MS - 1


def test_a_strangers_release_tag_is_not_the_release(redis: Redis) -> None:
    """A tag of the name of a field does not count as that field."""
    happen(redis, error(release="1.2", tags={"release": "9.9", "level": "x"}))
    assert shown(redis).tags == {"level": {"error": 1}, "release": {"1.2": 1}}


def test_samples_are_the_first_the_last_and_a_spread(redis: Redis) -> None:
    """A flood of one error leaves the first, the latest, and some of each order of magnitude."""
    sent = [error(at_ms=NOW_MS + number) for number in range(5_000)]
    for start in range(0, len(sent), 500):
        happen(redis, *sent[start : start + 500])
    kept = [sample.event_id for sample in samples.kept(redis, SCOPE, [1])]
    places = sorted([event.id for event in sent].index(each) for each in kept)
    assert places[0] == 0
    assert places[-1] == 4_999
    assert 10 < len(places) < 50
    assert any(10 < place < 100 for place in places)
    assert any(500 < place < 4_000 for place in places)


def test_hours_are_bounded_and_become_days(redis: Redis) -> None:
    """Old hours are added up by the day, the oldest days go, and no event is counted twice."""
    hours = 120 * 24
    for start in range(0, hours, 240):
        happen(redis, *(error(at_ms=NOW_MS + n * HOUR_MS) for n in range(start, start + 240)))
    assert redis.hlen(keys.issue_part(SCOPE, 1, "counts")) <= 600
    last_ms = NOW_MS + (hours - 1) * HOUR_MS
    days = shown(redis, now_ms=last_ms).days
    assert len(days) >= 100
    assert set(list(days.values())[-90:-1]) == {24}


def test_the_newest_hundred_days_are_kept_of_a_rare_error(redis: Redis) -> None:
    """An error of once a day is bounded as well."""
    for day in range(1_000):
        happen(redis, error(at_ms=NOW_MS + day * DAY_MS))
    assert redis.hlen(keys.issue_part(SCOPE, 1, "counts")) <= 600
    assert shown(redis, now_ms=NOW_MS + 999 * DAY_MS).issue.count == 1_000


def test_releases_are_bounded(redis: Redis) -> None:
    """A release per event does not fill Redis."""
    assert index.MOST_RELEASES < 10_000
    for start in range(0, index.MOST_RELEASES + 1_000, 500):
        happen(redis, *(error(release=f"r{n}") for n in range(start, start + 500)))
    assert redis.zcard(keys.releases(SCOPE)) == index.MOST_RELEASES


def test_trim(redis: Redis) -> None:
    """What was last seen too long ago goes with all its keys; a whole stays while a part does."""
    for number, days in ((1, 50), (2, 40), (3, 1)):
        happen(redis, error(f"f{number}", at_ms=NOW_MS - days * DAY_MS))
    redis.hset(keys.merged(SCOPE), 3, 1)
    assert index.trim(redis, SCOPE, NOW_MS - 30 * DAY_MS, keep=100) == 1
    assert redis.zrange(keys.issues(SCOPE), 0, -1) == [b"1", b"3"]
    assert not list(redis.scan_iter(f"{keys.issue(SCOPE, 2)}*"))
    assert sorted(lookup.read_states(redis, SCOPE, [1, 2, 3])) == [1, 3]
    assert sorted(redis.hkeys(keys.fingerprints(SCOPE))) == [b"f1", b"f3"]
    happen(redis, error("f2"))
    assert redis.hget(keys.fingerprints(SCOPE), "f2") == b"4"


def test_what_comes_amid_the_trim_stays(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen again, or made a whole, between the choice and the end: neither is forgotten."""
    for number in (1, 2, 3, 4):
        happen(redis, error(f"f{number}", at_ms=NOW_MS - 50 * DAY_MS))
    happen(redis, error("f5"))
    scan = redis.hscan_iter

    def amid(*given: object, **more: object) -> list[tuple[bytes, bytes]]:
        found = list(scan(*given, **more))
        happen(redis, error("f2"))
        redis.hset(keys.merged(SCOPE), 5, 3)
        return found

    monkeypatch.setattr(redis, "hscan_iter", amid)
    assert index.trim(redis, SCOPE, NOW_MS - 30 * DAY_MS, keep=100) == 2
    assert sorted(redis.zrange(keys.issues(SCOPE), 0, -1)) == [b"2", b"3", b"5"]
    assert sorted(redis.hkeys(keys.fingerprints(SCOPE))) == [b"f2", b"f3", b"f5"]
    assert redis.hget(keys.issue(SCOPE, 2), "count") == b"2"


def test_a_whole_goes_with_its_parts(redis: Redis) -> None:
    """Where all of them are old; parts do not keep each other alive."""
    for number in (1, 2, 3):
        happen(redis, error(f"f{number}", at_ms=NOW_MS - 50 * DAY_MS))
    redis.hset(keys.merged(SCOPE), mapping={2: 1})
    assert index.trim(redis, SCOPE, NOW_MS - 30 * DAY_MS, keep=100) == 3
    assert not redis.exists(keys.merged(SCOPE), keys.states(SCOPE), keys.issues(SCOPE))


def test_paging_by_each_order(redis: Redis) -> None:
    """Pages follow each other without gap or repeat, whatever the list is sorted by."""
    for number in range(23):
        happen(redis, *(error(f"f{number}", at_ms=NOW_MS - number) for _ in range(1 + number % 5)))
    for sort in query.Sort:
        wanted = query.Query(sort=sort)
        seen: list[str] = []
        cursor = ""
        while True:
            page = view.page(redis, PROJECTS, wanted, NOW_MS, limit=5, cursor=cursor)
            seen += [issue.id for issue in page.issues]
            cursor = page.next
            if not cursor:
                break
        assert len(seen) == len(set(seen)) == 23
    counts = [
        issue.count
        for issue in view.page(
            redis, PROJECTS, query.parse("sort:times_seen"), NOW_MS, limit=23
        ).issues
    ]
    assert counts == sorted(counts, reverse=True)


def test_paging_through_one_moment(redis: Redis) -> None:
    """Issues that were last seen in the same millisecond are each on one page too."""
    happen(redis, *(error(f"f{number}") for number in range(1, 24)))
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = view.page(redis, PROJECTS, query.Query(), NOW_MS, limit=4, cursor=cursor)
        seen += [issue.id for issue in page.issues]
        cursor = page.next
    assert seen == [f"WEB-{number}" for number in range(1, 24)]


def test_reading_while_issues_are_seen_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves up between two readings pushes nothing into a second one, nor out of all."""
    monkeypatch.setattr(record, "AT_ONCE", 3)
    happen(redis, *(error(f"f{number}", at_ms=NOW_MS - number // 2) for number in range(12)))
    # A number that is still to be read moves above all; and one that was read, out of the range.
    for until_ms, again in ((None, 8), (NOW_MS, 1)):
        found: list[int] = []
        for places in record.newest(redis, SCOPE, until_ms, 100):
            found += [place.number for place in places]
            if len(found) == 3:
                redis.zadd(keys.issues(SCOPE), {str(again): NOW_MS + again})
        assert len(found) == len(set(found))
        assert set(range(1, 13)) - set(found) == {8}


def test_a_query_over_merged_issues(redis: Redis) -> None:
    """An issue of several parts is one row, where the last seen of them stands, with all counts."""
    happen(redis, error("a", at_ms=NOW_MS - 9, release="1"), error("b", at_ms=NOW_MS - 5))
    happen(redis, error("c", at_ms=NOW_MS - 1, release="2", user="x"))
    redis.hset(keys.merged(SCOPE), 3, 1)
    page = view.page(redis, PROJECTS, query.Query(), NOW_MS)
    assert [(issue.id, issue.count) for issue in page.issues] == [("WEB-1", 2), ("WEB-2", 1)]
    for release in ("1", "2"):
        found = view.page(redis, PROJECTS, query.parse(f"release:{release}"), NOW_MS).issues
        assert [issue.id for issue in found] == ["WEB-1"]
    place = record.find(redis, SCOPE, 3)
    assert place is not None
    assert place.parts == (1, 3)
