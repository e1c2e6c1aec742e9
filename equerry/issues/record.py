"""Reading issues back: whole ones, with what was merged into them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from equerry import keys
from equerry.issues import lookup
from equerry.issues.state import State
from equerry.redis_client import Redis

AT_ONCE = 500


class Place(msgspec.Struct, frozen=True):
    """Where an issue stands. parts: its own number first, then those merged into it."""

    number: int
    parts: tuple[int, ...]
    last_ms: int
    state: State


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An issue as the index has it. Times are epoch milliseconds.

    tags: `key=value` → events, of those that were asked for.
    """

    place: Place
    title: str
    culprit: str
    platform: str
    count: int
    users: int
    first_ms: int
    first_release: str
    last_release: str
    tags: dict[str, int] = {}

    @property
    def state(self) -> State:
        """The issue's state."""
        return self.place.state


def merged(redis: Redis, scope: str) -> dict[int, int]:
    """Return number → the issue that it was merged into."""
    return {int(part): int(whole) for part, whole in redis.hgetall(keys.merged(scope)).items()}


def count(redis: Redis, scope: str) -> int:
    """Return how many issues there are; what was merged into another one is none by itself."""
    parts = list(merged(redis, scope))
    scores = redis.zmscore(keys.issues(scope), parts) if parts else []
    return int(redis.zcard(keys.issues(scope))) - sum(score is not None for score in scores)


def newest(redis: Redis, scope: str, until_ms: int | None, most: int) -> Iterator[list[Place]]:
    """Yield whole issues, the last seen first, some at once; of at most so many numbers.

    until_ms: begin with those last seen at this time or before. What is seen again meanwhile
    moves up, so each reading goes on from the time of the last one, not from its place.
    """
    parts_of = merged(redis, scope)
    wholes = _wholes(parts_of)
    start: float | str = "+inf" if until_ms is None else until_ms
    known = 0  # of those last seen at `start`
    for read_before in range(0, most, AT_ONCE):
        rows = redis.zrange(
            keys.issues(scope),
            start,
            "-inf",
            desc=True,
            byscore=True,
            withscores=True,
            offset=known,
            num=min(AT_ONCE, most - read_before),
        )
        if not rows:
            return
        last_ms = rows[-1][1]
        of_last = sum(score == last_ms for _, score in rows)
        start, known = last_ms, of_last + (known if last_ms == start else 0)
        seen = {int(number): int(score) for number, score in rows}
        yield _places(redis, scope, seen, parts_of, wholes)


def find(redis: Redis, scope: str, number: int) -> Place | None:
    """Return the issue of this number, or the one that it was merged into; None for no issue."""
    parts_of = merged(redis, scope)
    whole = parts_of.get(number, number)
    parts = (whole, *sorted(part for part, into in parts_of.items() if into == whole))
    scores = [
        score for score in redis.zmscore(keys.issues(scope), list(parts)) if score is not None
    ]
    state = lookup.read_states(redis, scope, [whole]).get(whole)
    return Place(whole, parts, int(max(scores)), state) if scores and state else None


def _wholes(parts_of: Mapping[int, int]) -> dict[int, list[int]]:
    wholes: dict[int, list[int]] = {}
    for part, whole in sorted(parts_of.items()):
        wholes.setdefault(whole, []).append(part)
    return wholes


def _places(
    redis: Redis,
    scope: str,
    seen: Mapping[int, int],
    parts_of: Mapping[int, int],
    wholes: Mapping[int, list[int]],
) -> list[Place]:
    """An issue of several parts stands where the last seen of them does, and only there."""
    ordered: dict[int, int] = {}
    for number, last_ms in seen.items():
        whole = parts_of.get(number, number)
        if whole in wholes:
            scores = redis.zmscore(keys.issues(scope), [whole, *wholes[whole]])
            # None of them where all were forgotten in this moment.
            latest = max((int(score) for score in scores if score is not None), default=last_ms)
            if last_ms < latest or whole in ordered:
                continue
        ordered[whole] = last_ms
    states = lookup.read_states(redis, scope, ordered)
    return [
        Place(number, (number, *wholes.get(number, ())), last_ms, states[number])
        for number, last_ms in ordered.items()
        if number in states  # forgotten in this moment
    ]


def read(
    redis: Redis, scope: str, places: Sequence[Place], tags: Collection[str] = ()
) -> list[Record]:
    """Return what the index has of these issues; those forgotten meanwhile are left out."""
    asked = list(tags)
    pipe = redis.pipeline(transaction=False)
    for place in places:
        for part in place.parts:
            pipe.hgetall(keys.issue(scope, part))
        pipe.pfcount(*(keys.issue_part(scope, part, "users") for part in place.parts))
        if asked:
            for part in place.parts:
                pipe.hmget(keys.issue_part(scope, part, "tags"), asked)
    replies = iter(pipe.execute())
    records: list[Record] = []
    for place in places:
        hashes = [_text(next(replies)) for _ in place.parts]
        users = int(next(replies))
        rows = [next(replies) for _ in place.parts] if asked else []
        held = [fields for fields in hashes if "count" in fields]
        if held:
            records.append(_record(place, held, users, _added(asked, rows)))
    return records


def _record(
    place: Place, held: Sequence[Mapping[str, str]], users: int, tags: dict[str, int]
) -> Record:
    own = held[0]
    released = sorted(held, key=lambda fields: int(fields["first_ms"]))
    return Record(
        place=place,
        title=own.get("title", ""),
        culprit=own.get("culprit", ""),
        platform=own.get("platform", ""),
        count=sum(int(fields["count"]) for fields in held),
        users=users,
        first_ms=int(released[0]["first_ms"]),
        first_release=next((f["first_release"] for f in released if "first_release" in f), ""),
        last_release=next((f["last_release"] for f in released[::-1] if "last_release" in f), ""),
        tags=tags,
    )


def _text(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}


def _added(names: Sequence[str], rows: Sequence[Sequence[bytes | None]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for name, number in zip(names, row, strict=True):
            if number is not None:
                total[name] = total.get(name, 0) + int(number)
    return total
