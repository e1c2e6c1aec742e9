"""One project's index, built anew beside the old one and put in its place in one transaction."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec
from redis.exceptions import WatchError

from equerry import keys
from equerry.clock import parse_ms
from equerry.events.event import ISSUES
from equerry.events.grouping import fingerprint as fingerprints
from equerry.issues import counters, index, journal, replay, update
from equerry.issues.journal import Deed, Line
from equerry.issues.replay import Replayed, Seen
from equerry.issues.tally import IssueDelta
from equerry.issues.update import Addition
from equerry.redis_client import Pipeline, Redis

READ_AT_ONCE = 1_000

# `_id`s as numbers → the line that stands there.
Lines = dict[tuple[int, int], Line]


class Rebuild:
    """Takes a project's issues batch by batch, the oldest first, and then replaces its index.

    Until then they stand under names of their own: a kill costs nothing, and the next rebuild
    throws them away. lines: the journal, as the archive has it. now_ms: when it is.
    """

    def __init__(self, redis: Redis, scope: str, lines: Lines, now_ms: int) -> None:
        self._redis = redis
        self._scope = scope
        self._lines = lines
        self._now_ms = now_ms
        self._numbers: dict[str, int] = {}
        self._seen: dict[int, Seen] = {}
        self._created: list[Line] = []
        replayed = self._replayed()
        self._told = replayed.numbers
        self._highest = replayed.highest
        for key in self._staged():
            redis.unlink(key)

    @property
    def issues(self) -> int:
        """How many issues there are."""
        return len(self._seen)

    def add(self, issues: Mapping[str, IssueDelta]) -> None:
        """Add a batch."""
        additions = []
        for name, delta in issues.items():
            number = self._number(name, delta)
            additions.append(Addition(number, name, delta, new=number not in self._seen))
            self._see(number, delta)
        update.write(self._redis, self._scope, additions, staged=True)
        index.write_releases(self._redis, keys.staged(self._scope), issues.values())

    def replace(self, counts: Mapping[str, Counter[str]], kept: Collection[str]) -> None:
        """Swap the index. kept: buckets of counters that stay as they are."""
        while True:
            with contextlib.suppress(WatchError), self._redis.pipeline(transaction=True) as pipe:
                pipe.watch(*index.watched(self._scope))
                gone, staged = list(self._gone(kept)), list(self._staged())
                replayed = self._replayed()
                pipe.multi()
                for key in (*gone, *map(str.encode, index.every(self._scope))):
                    pipe.unlink(key)
                for key in staged:
                    pipe.rename(key, key.replace(keys.staged(self._scope).encode(), self._live()))
                counters.write(pipe, self._scope, counts)
                self._write(pipe, replayed)
                pipe.execute()
                return

    def _write(self, pipe: Pipeline, replayed: Replayed) -> None:
        scope = self._scope
        states = replay.states(replayed, self._seen)
        merged = {part: whole for part, whole in replayed.merged.items() if whole in states}
        index.write_numbers(pipe, scope, self._numbers, max(self._highest, replayed.highest))
        index.write_states(pipe, scope, states)
        if merged:
            pipe.hset(keys.merged(scope), mapping=merged)
        for number, lines in replayed.activity.items():
            for line in lines[-journal.KEPT_AT_HAND :] if number in states else ():
                journal.keep_at_hand(pipe, scope, number, msgspec.json.encode(line))
        told_twice = (
            journal.line(Deed.CREATED, number, self._now_ms, fingerprint=name)
            for name, number in replayed.unsaid
        )
        for line in (*self._created, *told_twice):
            journal.write(pipe, scope, line, parse_ms(line.timestamp))

    def _number(self, name: str, delta: IssueDelta) -> int:
        """Return the issue's number; what has none yet is given the next, with a line of it."""
        if name in self._numbers:
            return self._numbers[name]
        number = self._told.get(name)
        if number is None:
            names = [old for old in fingerprints.older(delta.report) if old in self._told]
            deed = Deed.LINKED if names else Deed.CREATED
            if names:
                number = self._told[names[0]]
            else:
                self._highest = number = self._highest + 1
            self._created.append(journal.line(deed, number, delta.first_ms, fingerprint=name))
            self._told[name] = number
        self._numbers[name] = number
        return number

    def _see(self, number: int, delta: IssueDelta) -> None:
        seen = self._seen.get(number)
        if seen is None:
            self._seen[number] = Seen(delta.severity, delta.first_ms, delta.last_ms)
            return
        seen.first_ms = min(seen.first_ms, delta.first_ms)
        seen.last_ms = max(seen.last_ms, delta.last_ms)
        if delta.severity.rank > seen.severity.rank:
            seen.severity = delta.severity

    def _replayed(self) -> Replayed:
        """Replay the archive's journal and what of it still waits in the stream."""
        every = self._lines | dict(self._waiting())
        return replay.replay(every[place] for place in sorted(every))

    def _waiting(self) -> Iterator[tuple[tuple[int, int], Line]]:
        after = "-"
        while rows := self._redis.xrange(keys.events(self._scope), after, count=READ_AT_ONCE):
            for stream_id, fields in rows:
                if fields[b"k"] == ISSUES.encode():
                    yield place(stream_id.decode()), journal.decode(fields[b"d"])
            after = f"({rows[-1][0].decode()}"

    def _gone(self, kept: Collection[str]) -> Iterator[bytes]:
        prefix = keys.counts(self._scope, "").encode()
        yield from self._redis.scan_iter(keys.issue(self._scope, "*"), count=1000)
        for key in self._redis.scan_iter(keys.counts(self._scope, "*"), count=1000):
            if key.removeprefix(prefix).decode() not in kept:
                yield key

    def _staged(self) -> Sequence[bytes]:
        pattern = keys.issue(keys.staged(self._scope), "*")
        single = (keys.issues(keys.staged(self._scope)), keys.releases(keys.staged(self._scope)))
        found = list(self._redis.scan_iter(pattern, count=1000))
        return [*found, *(key.encode() for key in single if self._redis.exists(key))]

    def _live(self) -> bytes:
        return self._scope.encode()


def place(stream_id: str) -> tuple[int, int]:
    """Return an `_id` as numbers, by which lines are ordered."""
    milliseconds, _, number = stream_id.partition("-")
    return int(milliseconds), int(number)
