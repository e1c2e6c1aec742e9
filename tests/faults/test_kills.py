"""Kill -9 of any process at any moment, under load: nothing lost, nothing doubled."""

import json
import random
import sys
import time
from typing import NamedTuple

import pytest
from installation import Installation, short_folder
from killing import Killer
from load import Load, account

pytestmark = pytest.mark.faults


class Size(NamedTuple):
    """How long to go on: until there are as many kills and as many acknowledged events."""

    kills: int
    events: int
    per_second: float
    pause_seconds: float
    at_most_seconds: float


BOUNDED = Size(kills=12, events=4_000, per_second=160.0, pause_seconds=1.2, at_most_seconds=180)
LONG = Size(kills=200, events=100_000, per_second=170.0, pause_seconds=3.0, at_most_seconds=1800)


@pytest.mark.timeout(3000)
def test_nothing_is_lost_or_doubled(is_long: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Each acknowledged event is in the archive once, and the counters say what it says."""
    size = LONG if is_long else BOUNDED
    seed = random.SystemRandom().getrandbits(32)
    began = time.monotonic()
    with short_folder() as folder:
        equerry = Installation(folder)
        try:
            equerry.start()
            killer = Killer(equerry, random.Random(seed))
            with Load(equerry, size.per_second) as load:
                while killer.killed.total() < size.kills or len(load.acknowledged) < size.events:
                    assert time.monotonic() - began < size.at_most_seconds, load.statuses
                    if killer.killed.total() < size.kills:
                        killer.kill_next()
                    killer.pause(size.pause_seconds)
                    if is_long and killer.killed.total() % 10 == 0:
                        _tell(capsys, killer, load, began)
            killer.wait_for_all()
            equerry.wait_drained(seconds=120)
            result = account(equerry, load.acknowledged)
            output = equerry.output
        finally:
            equerry.close()
    facts = {
        "seed": seed,
        "seconds": round(time.monotonic() - began),
        "kills": killer.killed.total(),
        "killed": killer.killed,
        "answers": load.statuses,
        "batches_taken_over": output.count("batch-taken-over"),
        "spools_replayed": output.count("spool-replayed"),
    }
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(facts | result, default=str)}\n")
    assert result.faults == {}
    assert load.statuses.keys().isdisjoint({"400", "401", "403", "404", "413", "415", "500"})
    # A batch that was killed three times over is in the dead letters, which are kept and shown.
    assert result["archived"] + len(result["dead"]) == result["acknowledged"]
    # Without these the test would show nothing.
    assert load.retried
    assert result["repeated"]


def _tell(capsys: pytest.CaptureFixture[str], killer: Killer, load: Load, began: float) -> None:
    """Show how far it is."""
    with capsys.disabled():
        seconds = time.monotonic() - began
        kills, events = killer.killed.total(), len(load.acknowledged)
        sys.stdout.write(f"\n{seconds:5.0f} s  {kills} kills  {events} acknowledged")
        sys.stdout.flush()
