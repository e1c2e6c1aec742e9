"""Two schedulers at once: each due time runs once."""

import time
from collections import Counter

import pytest
from installation import PROCFILE, Installation, OwnValkey, short_folder, wait_until

from equerry import keys

pytestmark = pytest.mark.faults

JOB = "error-rate"
INTERVAL_SECONDS = 60
TIMES_SENT = 8


def test_each_slot_runs_once() -> None:
    """The same due time, sent by one beat after the other, is run and recorded once."""
    lines = dict(line.split(": ", 1) for line in PROCFILE.read_text().splitlines())
    chosen = {name: lines[name] for name in ("worker", "jobs", "beat")}
    with short_folder() as folder:
        valkey = OwnValkey(folder)
        environ = {"EQUERRY_REDIS_URL": valkey.url}
        equerry = Installation(folder, lines={**chosen, "beat2": lines["beat"]}, environ=environ)
        # Runs that were missed while everything was down: both are caught up.
        last_ms = int(time.time() - INTERVAL_SECONDS - 5) * 1000
        try:
            valkey.start()
            with equerry.redis() as client:
                client.hset(keys.beat_sent(), "retention", last_ms - 3 * 86_400_000)
                client.hset(keys.beat_sent(), JOB, last_ms)
                equerry.start()
                leaders = set()
                for _ in range(30):
                    wait_until(
                        lambda: int(client.hget(keys.beat_sent(), JOB)) != last_ms,
                        "a beat sends the job",
                    )
                    leaders.add(client.get(keys.beat_leader()))
                    if len(leaders - {None}) == 2 and _ + 1 >= TIMES_SENT:
                        break
                    # As if the first had been killed before it wrote down that it had sent it.
                    client.hset(keys.beat_sent(), JOB, last_ms)
                    client.delete(keys.beat_leader())
            equerry.wait_drained()
            runs = equerry.archive("jobs")
        finally:
            equerry.close()
            valkey.close()
    assert len(leaders - {None}) == 2
    assert {line["result"] for line in runs} == {"ok"}
    assert Counter((line["job"], line["slot"]) for line in runs).most_common(1)[0][1] == 1
    assert {line["job"] for line in runs} == {JOB, "retention"}
    assert len(runs) == 2
