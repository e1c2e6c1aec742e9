"""What people do to issues. The command line, the API and the page all come through here.

Each is one transaction: the state, a line of the journal, and a look that nobody was faster. Where
somebody was (a person, or a batch of events), it begins anew. `by`: who it was, as it is shown.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from redis.exceptions import WatchError

from equerry import keys
from equerry.errors import ActionRefused, UnknownIssue
from equerry.events import limits
from equerry.events.severity import Severity
from equerry.issues import index, journal, lookup, record, release_order
from equerry.issues.journal import Deed
from equerry.issues.state import State, Status
from equerry.issues.view import WHERE_ALL_ARE
from equerry.redis_client import Pipeline, Redis

MOST_NAME_CHARS = 100
MOST_NOTE_CHARS = 2_000
MOST_RELEASE_CHARS = limits.RELEASE  # no event names a longer one
MOST_MERGED = 1_000
_MOST_RELEASES_COMPARED = 200


class Until(msgspec.Struct, frozen=True):
    """What ends the ignoring; 0 is «not set», and nothing set is «for good».

    for_ms: after so long. count, users: after so many more events or users.
    """

    for_ms: int = 0
    count: int = 0
    users: int = 0


class Done(msgspec.Struct, frozen=True):
    """What became of an issue. number: of the whole issue, where a part of one was meant.

    changed: False where it was so already.
    """

    number: int
    state: State
    changed: bool = True


class Sign(NamedTuple):
    """What is written of a change beside the state."""

    deed: Deed
    by: str
    now_ms: int
    note: str = ""


def resolve(
    redis: Redis,
    scope: str,
    number: int,
    *,
    by: str,
    now_ms: int,
    release: str = "",
    in_next_release: bool = False,
) -> Done:
    """Resolve: seen again, the issue has regressed.

    release: only events of it, or of a later one, are a regression. in_next_release: only events of
    a release after the newest that is known now. Raises UnknownIssue, ActionRefused.
    """
    release = release.strip()
    if len(release) > MOST_RELEASE_CHARS:
        raise ActionRefused(f"a release has at most {MOST_RELEASE_CHARS} characters")
    if release and in_next_release:
        raise ActionRefused("resolved in a release or in the next one, not both")
    if in_next_release:
        release = newest_release(redis, scope)
        if not release:
            raise ActionRefused("no event of this project named its release: there is no next one")

    def make(state: State, _parts: Sequence[int]) -> State:
        resolved = state.put(Status.RESOLVED, now_ms)
        return replace(resolved, release=release, next_release=in_next_release)

    return _change(redis, scope, number, make, Sign(Deed.RESOLVED, by, now_ms))


def ignore(redis: Redis, scope: str, number: int, until: Until, *, by: str, now_ms: int) -> Done:
    """Ignore: say nothing of it until then. Raises UnknownIssue, ActionRefused."""
    if min(until.for_ms, until.count, until.users) < 0:
        raise ActionRefused("the terms of ignoring are above zero")

    def make(state: State, parts: Sequence[int]) -> State:
        totals = lookup.read_totals(redis, scope, list(parts))
        return replace(
            state.put(Status.IGNORED, now_ms),
            until_ms=now_ms + until.for_ms if until.for_ms else 0,
            until_count=totals.count + until.count if until.count else 0,
            until_users=totals.users + until.users if until.users else 0,
        )

    return _change(redis, scope, number, make, Sign(Deed.IGNORED, by, now_ms))


def reopen(redis: Redis, scope: str, number: int, *, by: str, now_ms: int) -> Done:
    """Make it unresolved again. Raises UnknownIssue."""

    def make(state: State, _parts: Sequence[int]) -> State:
        return state if state.status is Status.UNRESOLVED else state.put(Status.UNRESOLVED, now_ms)

    return _change(redis, scope, number, make, Sign(Deed.REOPENED, by, now_ms))


def assign(redis: Redis, scope: str, number: int, name: str, *, by: str, now_ms: int) -> Done:
    """Give it to somebody; "" takes it from whoever has it. Raises UnknownIssue, ActionRefused."""
    assignee = name.strip()
    if len(assignee) > MOST_NAME_CHARS:
        raise ActionRefused(f"a name has at most {MOST_NAME_CHARS} characters")

    def make(state: State, _parts: Sequence[int]) -> State:
        return replace(state, assignee=assignee)

    return _change(redis, scope, number, make, Sign(Deed.ASSIGNED, by, now_ms, assignee))


def pin(
    redis: Redis, scope: str, number: int, severity: Severity | None, *, by: str, now_ms: int
) -> Done:
    """Say how grave it is, whatever its events say; None leaves it to them. Raises UnknownIssue."""

    def make(state: State, _parts: Sequence[int]) -> State:
        return replace(state, pinned=severity)

    return _change(redis, scope, number, make, Sign(Deed.PINNED, by, now_ms, severity or ""))


def note(redis: Redis, scope: str, number: int, text: str, *, by: str, now_ms: int) -> Done:
    """Write something down with the issue. Raises UnknownIssue, ActionRefused."""
    words = text.strip()
    if not 0 < len(words) <= MOST_NOTE_CHARS:
        raise ActionRefused(f"a note has 1 to {MOST_NOTE_CHARS} characters")
    place = _found(redis, scope, number)
    line = journal.line(Deed.NOTED, place.number, now_ms, by=by, note=words)
    with redis.pipeline(transaction=True) as pipe:
        journal.write(pipe, scope, line, now_ms)
        pipe.execute()
    return Done(place.number, place.state)


def merge(
    redis: Redis, scope: str, into: int, others: Sequence[int], *, by: str, now_ms: int
) -> Done:
    """Make these issues, with all that was merged into them, parts of another one.

    Their numbers go on to count their events, so that `unmerge` can take them out again.
    Raises UnknownIssue, ActionRefused.
    """

    def write(pipe: Pipeline) -> Done:
        whole = _found(redis, scope, into)
        parts_of = record.merged(redis, scope)
        joined = [_found(redis, scope, number) for number in dict.fromkeys(others)]
        joined = [place for place in joined if place.number != whole.number]
        numbers = [part for place in joined for part in place.parts]
        if not numbers:
            return Done(whole.number, whole.state, changed=False)
        if len(parts_of.keys() | set(numbers)) > MOST_MERGED:
            raise ActionRefused(f"more than {MOST_MERGED} merged issues are too many to look up")
        gravest = max((whole, *joined), key=lambda place: place.state.severity.rank)
        state = replace(whole.state, severity=gravest.state.severity)
        pipe.multi()
        pipe.hset(keys.merged(scope), mapping=dict.fromkeys(numbers, whole.number))
        index.write_states(pipe, scope, {whole.number: state})
        for number in numbers:
            line = journal.line(Deed.MERGED, number, now_ms, by=by, into=whole.number, state=state)
            journal.write(pipe, scope, line, now_ms)
        return Done(whole.number, state)

    return _transact(redis, scope, write)


def unmerge(redis: Redis, scope: str, number: int, *, by: str, now_ms: int) -> Done:
    """Take a part out of its issue: it is an issue by itself again, with its own events.

    It counts as grave as the whole, for what its own events were is not told apart.
    Raises UnknownIssue, ActionRefused.
    """

    def write(pipe: Pipeline) -> Done:
        whole = record.merged(redis, scope).get(number)
        if whole is None:
            _found(redis, scope, number)
            raise ActionRefused("it is not merged into another issue")
        states = lookup.read_states(redis, scope, [number, whole])
        if whole not in states:
            raise UnknownIssue(f"there is no issue of number {whole}")
        before = states.get(number, State(severity=states[whole].severity, since_ms=now_ms))
        state = replace(before, severity=states[whole].severity)
        pipe.multi()
        pipe.hdel(keys.merged(scope), number)
        index.write_states(pipe, scope, {number: state})
        line = journal.line(Deed.UNMERGED, number, now_ms, by=by, into=whole, state=state)
        journal.write(pipe, scope, line, now_ms)
        return Done(number, state)

    return _transact(redis, scope, write)


def newest_release(redis: Redis, scope: str) -> str:
    """Return the latest release that an event named, "" for none."""
    rows = redis.zrevrange(keys.releases(scope), 0, _MOST_RELEASES_COMPARED - 1, withscores=True)
    first_ms = {name.decode("utf-8", "replace"): int(score) for name, score in rows}
    newest = ""
    for release in first_ms:
        if not newest or release_order.is_after(release, newest, first_ms):
            newest = release
    return newest


def _change(
    redis: Redis,
    scope: str,
    number: int,
    make: Callable[[State, Sequence[int]], State],
    sign: Sign,
) -> Done:
    """Give the issue the state that `make` makes of its own and its parts, with a line of it."""

    def write(pipe: Pipeline) -> Done:
        place = _found(redis, scope, number)
        state = make(place.state, place.parts)
        if state == place.state:
            return Done(place.number, state, changed=False)
        pipe.multi()
        index.write_states(pipe, scope, {place.number: state})
        line = journal.line(
            sign.deed, place.number, sign.now_ms, by=sign.by, note=sign.note, state=state
        )
        journal.write(pipe, scope, line, sign.now_ms)
        return Done(place.number, state)

    return _transact(redis, scope, write)


def _transact(redis: Redis, scope: str, write: Callable[[Pipeline], Done]) -> Done:
    while True:
        with contextlib.suppress(WatchError), redis.pipeline(transaction=True) as pipe:
            pipe.watch(*index.watched(scope))
            done = write(pipe)
            pipe.execute()
            return done


def _found(redis: Redis, scope: str, number: int) -> record.Place:
    place = record.find(redis, scope, number)
    if place is None:
        raise UnknownIssue(f"there is no issue of number {number}; {WHERE_ALL_ARE}")
    return place
