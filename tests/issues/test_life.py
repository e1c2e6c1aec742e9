"""Any sequence of events, deeds, losses and rebuilds: counts and states are as a model has them."""

import itertools
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from issue_events import NOW_MS, SCOPE, error, happen

from equerry import keys
from equerry import settings as tree
from equerry.issues import actions, lookup, record, reindex, view
from equerry.issues.actions import Until
from equerry.issues.state import Status
from equerry.redis_client import Redis, connect

NAMES = "abcd"


class Life(RuleBasedStateMachine):
    """A project's issues, beside a model: fingerprint → count, number → status, part → whole."""

    url = ""

    @initialize()
    def begin(self) -> None:
        """Begin with nothing."""
        self.redis: Redis = connect(self.url)
        self.redis.flushall()
        self.folder = tempfile.TemporaryDirectory(prefix="equerry-life-")
        self.settings = tree.Settings(
            data_dir=self.folder.name, projects=(tree.Project(id=1, slug="web", key="k" * 32),)
        )
        self.clock = itertools.count(NOW_MS)
        self.counts: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.statuses: dict[int, Status] = {}
        self.merged: dict[int, int] = {}

    def teardown(self) -> None:
        """Let go of the folder and the connection."""
        self.redis.close()
        self.folder.cleanup()

    def whole(self, number: int) -> int:
        """Return the issue that a number belongs to."""
        return self.merged.get(number, number)

    @rule(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5))
    def events(self, names: list[str]) -> None:
        """Let a batch come."""
        at_ms = next(self.clock)
        root = Path(self.folder.name) / "archive"
        happen(self.redis, *(error(name, at_ms=at_ms) for name in names), archive=root)
        for name in names:
            self.counts[name] = self.counts.get(name, 0) + 1
            number = self.numbers.setdefault(name, len(self.numbers) + 1)
            whole = self.whole(number)
            if self.statuses.setdefault(whole, Status.UNRESOLVED) is Status.RESOLVED:
                self.statuses[whole] = Status.UNRESOLVED

    @precondition(lambda self: self.numbers)
    @rule(data=st.data(), deed=st.sampled_from(["resolve", "ignore", "reopen", "unmerge"]))
    def deeds(self, data: st.DataObject, deed: str) -> None:
        """Let a person do something."""
        number = data.draw(st.sampled_from(sorted(self.numbers.values())))
        by: dict[str, Any] = {"by": "ada", "now_ms": next(self.clock)}
        if deed == "unmerge":
            if number in self.merged:
                actions.unmerge(self.redis, SCOPE, number, **by)
                del self.merged[number]
            return
        if deed == "ignore":
            actions.ignore(self.redis, SCOPE, number, Until(), **by)
        else:
            getattr(actions, deed)(self.redis, SCOPE, number, **by)
        status = {"resolve": Status.RESOLVED, "ignore": Status.IGNORED}.get(deed)
        self.statuses[self.whole(number)] = status or Status.UNRESOLVED

    @precondition(lambda self: len(self.numbers) > 1)
    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        """Let a person merge one into another."""
        into, other = data.draw(st.permutations(sorted(self.numbers.values())))[:2]
        actions.merge(self.redis, SCOPE, into, [other], by="bob", now_ms=next(self.clock))
        into, other = self.whole(into), self.whole(other)
        if into != other:
            for part in (other, *(n for n, whole in self.merged.items() if whole == other)):
                self.merged[part] = into

    @precondition(lambda self: self.numbers)
    @rule(lost=st.booleans())
    def rebuild(self, lost: bool) -> None:
        """Lose the index, and build it anew."""
        if lost:
            stays = {keys.events(SCOPE).encode()}
            self.redis.delete(*(set(self.redis.scan_iter("{p1}:*")) - stays))
        reindex.reindex(self.redis, self.settings, NOW_MS, lambda *_: None)

    @invariant()
    def as_the_model_has_it(self) -> None:
        """Numbers, counts, merges and states."""
        if not self.numbers:
            return
        kept = self.redis.hgetall(keys.fingerprints(SCOPE))
        assert {name.decode(): int(number) for name, number in kept.items()} == self.numbers
        assert record.merged(self.redis, SCOPE) == self.merged
        wholes = {self.whole(number) for number in self.numbers.values()}
        states = lookup.read_states(self.redis, SCOPE, wholes)
        assert {number: state.status for number, state in states.items()} == {
            number: self.statuses[number] for number in wholes
        }
        for whole in wholes:
            count = sum(
                self.counts[name]
                for name, number in self.numbers.items()
                if self.whole(number) == whole
            )
            shown = view.show(self.redis, SCOPE, "web", whole, NOW_MS).issue
            assert (shown.count, shown.id) == (count, f"WEB-{whole}")


def test_life(valkey_url: str) -> None:
    """Nothing that may happen in any order makes the index say what was not."""
    machine = type("LifeHere", (Life,), {"url": valkey_url}).TestCase
    machine.settings = settings(
        max_examples=40,
        stateful_step_count=15,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine().runTest()
