"""The index of issues in Redis: what a batch writes, and what retention forgets."""

from collections.abc import Iterable, Mapping
from importlib.resources import files

import msgspec

from equerry import keys
from equerry.clock import parse_ms
from equerry.issues import counters, journal, state, update
from equerry.issues.plan import Plan
from equerry.issues.state import State
from equerry.issues.tally import IssueDelta, Tally
from equerry.redis_client import Pipeline, Redis

# Forgotten at once: one script holds up every other command.
_AT_ONCE = 500
_FORGET = files("equerry.issues").joinpath("forget.lua").read_bytes()
# Of a project; beyond it the order of the oldest is forgotten where versions do not tell it.
MOST_RELEASES = 5_000


def watched(scope: str) -> tuple[str, ...]:
    """Return the keys that must not change between a look-up and its write."""
    return keys.fingerprints(scope), keys.merged(scope), keys.states(scope)


def every(scope: str) -> tuple[str, ...]:
    """Return the keys of the index that are one each to a scope."""
    return (*watched(scope), keys.next_issue(scope), keys.issues(scope), keys.releases(scope))


def write(pipe: Pipeline, scope: str, tally: Tally, plan: Plan) -> None:
    """Queue what a batch does to the index, its journal included."""
    counters.write(pipe, scope, tally.counts)
    update.write(pipe, scope, plan.additions)
    write_numbers(pipe, scope, plan.numbers, plan.highest)
    write_states(pipe, scope, plan.states)
    write_releases(pipe, scope, tally.issues.values())
    for line in plan.lines:
        journal.write(pipe, scope, line, parse_ms(line.timestamp))


def write_numbers(pipe: Pipeline, scope: str, numbers: Mapping[str, int], highest: int) -> None:
    """Queue fingerprints with their numbers. highest: the highest number given so far."""
    if numbers:
        pipe.hset(keys.fingerprints(scope), mapping=dict(numbers))
        pipe.set(keys.next_issue(scope), highest)


def write_states(pipe: Pipeline, scope: str, states: Mapping[int, State]) -> None:
    """Queue states."""
    if states:
        texts = {number: state.encode(each) for number, each in states.items()}
        pipe.hset(keys.states(scope), mapping=texts)


def write_releases(pipe: Pipeline | Redis, scope: str, deltas: Iterable[IssueDelta]) -> None:
    """Queue when each release was first seen, where no earlier time is known."""
    first_ms: dict[str, int] = {}
    for delta in deltas:
        for release, at_ms in delta.since.items():
            first_ms[release] = min(at_ms, first_ms.get(release, at_ms))
    first_ms.pop("", None)
    if first_ms:
        pipe.zadd(keys.releases(scope), first_ms, lt=True)
        pipe.zremrangebyrank(keys.releases(scope), 0, -(MOST_RELEASES + 1))


def trim(redis: Redis, scope: str, before_ms: int, keep: int) -> int:
    """Forget issues last seen before then, and the oldest beyond `keep`. Returns how many.

    One that is seen again, or gets another part, before its turn comes stays as it is.
    """
    rows = redis.zrange(keys.issues(scope), "-inf", f"({before_ms}", byscore=True, withscores=True)
    rows += redis.zrange(keys.issues(scope), 0, -(keep + 1), withscores=True)
    seen = dict(rows)
    parts: dict[bytes, list[bytes]] = {}
    for part, whole in redis.hgetall(keys.merged(scope)).items():
        parts.setdefault(whole, []).append(part)
    # The state of a whole is that of its parts too: it goes with all of them, or stays.
    wholes = [(number, *parts[number]) for number in seen.keys() & parts.keys()]
    going = [group for group in wholes if seen.keys() >= set(group)]
    kept = {number for number, *_ in wholes}.union(*going)
    gone = going + [(number,) for number in seen.keys() - kept]
    if not gone:
        return 0
    names: dict[bytes, list[str]] = {}
    for name, number in redis.hscan_iter(keys.fingerprints(scope), count=1000):
        if number in seen:
            names.setdefault(number, []).append(name.decode())
    forgotten = 0
    for start in range(0, len(gone), _AT_ONCE):
        packed = [
            [(int(each), seen[each], names.get(each, [])) for each in group]
            for group in gone[start : start + _AT_ONCE]
        ]
        forgotten += redis.eval(
            _FORGET,
            5,
            keys.issue(scope, ""),
            keys.issues(scope),
            *watched(scope),
            msgspec.msgpack.encode(keys.ISSUE_PARTS),
            msgspec.msgpack.encode(packed),
        )
    return forgotten
