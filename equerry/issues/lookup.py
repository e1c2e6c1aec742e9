"""What the index knows of the issues that a batch is about."""

from collections.abc import Iterable, Mapping

import msgspec

from equerry import keys
from equerry.events.grouping import fingerprint as fingerprints
from equerry.issues import state
from equerry.issues.rules import Totals
from equerry.issues.state import State, Status
from equerry.issues.tally import IssueDelta
from equerry.redis_client import Redis


class Known(msgspec.Struct, frozen=True):
    """What is known. numbers: fingerprint → the number that it bears.

    linked: those of the numbers that an earlier version of the algorithm found the issue by.
    merged: number → the one that it is a part of. states, totals: by the number of the whole issue;
    totals only where a rule asks. releases: release → when it was first seen, epoch ms.
    highest: the highest number given so far.
    """

    numbers: dict[str, int] = {}
    linked: frozenset[str] = frozenset()
    merged: dict[int, int] = {}
    states: dict[int, State] = {}
    totals: dict[int, Totals] = {}
    releases: dict[str, int] = {}
    highest: int = 0

    def whole(self, number: int) -> int:
        """Return the issue that this number is a part of; most often itself."""
        return self.merged.get(number, number)


def look_up(redis: Redis, scope: str, issues: Mapping[str, IssueDelta]) -> Known:
    """Ask for everything that the rules may want to know of these issues."""
    names = list(issues)
    if not names:
        return Known()
    pipe = redis.pipeline(transaction=False)
    pipe.hmget(keys.fingerprints(scope), names)
    pipe.hgetall(keys.merged(scope))
    pipe.get(keys.next_issue(scope))
    found, merged_rows, highest = pipe.execute()
    numbers = {
        name: int(number) for name, number in zip(names, found, strict=True) if number is not None
    }
    linked = _by_older(redis, scope, {n: d for n, d in issues.items() if n not in numbers})
    merged = {int(part): int(whole) for part, whole in merged_rows.items()}
    every = numbers | linked
    wholes = sorted({merged.get(number, number) for number in every.values()})
    states = read_states(redis, scope, wholes)
    asked: dict[int, set[str]] = {}
    for name, number in every.items():
        whole = merged.get(number, number)
        if whole in asked or _is_asked(states.get(whole), issues[name]):
            asked.setdefault(whole, set()).update(issues[name].users)
    return Known(
        every,
        frozenset(linked),
        merged,
        states,
        {
            number: read_totals(redis, scope, parts(merged, number), users)
            for number, users in asked.items()
        },
        _releases(redis, scope, states, issues),
        int(highest or 0),
    )


def _by_older(redis: Redis, scope: str, unknown: Mapping[str, IssueDelta]) -> dict[str, int]:
    """Find new fingerprints by those that earlier versions of the algorithm gave their events."""
    older = {name: fingerprints.older(delta.report) for name, delta in unknown.items()}
    asked = [(name, old) for name, olds in older.items() for old in olds]
    if not asked:
        return {}
    found = redis.hmget(keys.fingerprints(scope), [old for _, old in asked])
    linked: dict[str, int] = {}
    for (name, _), number in zip(asked, found, strict=True):
        if number is not None:
            linked.setdefault(name, int(number))
    return linked


def read_states(redis: Redis, scope: str, numbers: Iterable[int]) -> dict[int, State]:
    """Return the state of each of these issues that there is."""
    asked = list(numbers)
    if not asked:
        return {}
    texts = redis.hmget(keys.states(scope), asked)
    return {
        number: state.decode(text)
        for number, text in zip(asked, texts, strict=True)
        if text is not None
    }


def parts(merged: Mapping[int, int], number: int) -> list[int]:
    """Return the numbers that make up an issue: its own, and those merged into it."""
    return [number, *sorted(part for part, whole in merged.items() if whole == number)]


def read_totals(
    redis: Redis, scope: str, numbers: list[int], more_users: Iterable[str] = ()
) -> Totals:
    """Return the events of an issue of these parts, and its users with `more_users` among them."""
    together = keys.users_together(scope)
    pipe = redis.pipeline(transaction=True)
    for number in numbers:
        pipe.hget(keys.issue(scope, number), "count")
    pipe.pfmerge(together, *(keys.issue_part(scope, number, "users") for number in numbers))
    pipe.pfadd(together, *more_users)
    pipe.pfcount(together)
    pipe.unlink(together)
    *counts, _, _, users, _ = pipe.execute()
    return Totals(sum(int(count or 0) for count in counts), int(users))


def _is_asked(known: State | None, delta: IssueDelta) -> bool:
    """Whether something may be to tell of the issue beside that it goes on."""
    if known is None:
        return False
    return known.status is not Status.UNRESOLVED or delta.severity.rank > known.severity.rank


def _releases(
    redis: Redis, scope: str, states: Mapping[int, State], issues: Mapping[str, IssueDelta]
) -> dict[str, int]:
    """Return when releases were first seen, where an issue was resolved in one."""
    resolved = {known.release for known in states.values() if known.release}
    if not resolved:
        return {}
    names = resolved.union(*(delta.releases for delta in issues.values()))
    wanted = sorted(name for name in names if name)
    scores = redis.zmscore(keys.releases(scope), wanted)
    return {
        name: int(score) for name, score in zip(wanted, scores, strict=True) if score is not None
    }
