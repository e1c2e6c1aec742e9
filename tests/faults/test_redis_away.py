"""Redis gone under load: the door keeps on disk what it accepts, and hands it over afterwards."""

import json
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from installation import Installation, OwnValkey, short_folder, wait_until
from load import Load, account

pytestmark = pytest.mark.faults

LINES = ("api", "worker", "jobs", "beat")


@pytest.fixture
def valkey_and_equerry() -> Iterator[tuple[OwnValkey, Installation]]:
    """Make an Equerry on a Valkey that the test can take away."""
    with short_folder() as folder:
        valkey = OwnValkey(folder)
        equerry = Installation(folder, lines=LINES, environ={"EQUERRY_REDIS_URL": valkey.url})
        try:
            valkey.start()
            equerry.start()
            yield valkey, equerry
        finally:
            equerry.close()
            valkey.close()


@pytest.mark.parametrize("how", ["hangs", "dies"])
def test_nothing_is_lost_while_redis_is_away(
    valkey_and_equerry: tuple[OwnValkey, Installation],
    how: str,
    is_long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All that was accepted while Redis hung or was dead is archived once, and counted once."""
    valkey, equerry = valkey_and_equerry
    away_seconds = 60 if is_long else 8
    with Load(equerry, per_second=100) as load:
        wait_until(lambda: len(load.acknowledged) > 100, "the load runs")
        valkey.signal(signal.SIGSTOP if how == "hangs" else signal.SIGKILL)
        before = len(load.acknowledged)
        time.sleep(away_seconds)
        while_away = len(load.acknowledged) - before
        ready = equerry.ask("/readyz").body
        if how == "hangs":
            valkey.signal(signal.SIGCONT)
        else:
            valkey.start()
        back_at = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > back_at + 200, "the load goes on")
    equerry.wait_drained(seconds=90)
    result = account(equerry, load.acknowledged)
    facts = {"redis": how, "away_seconds": away_seconds, "accepted_while_away": while_away}
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(facts | {'answers': load.statuses} | result)}\n")
    assert ready["keeps_in"] == "spool"
    assert "spool-replayed" in equerry.output
    assert while_away > 20 * away_seconds
    assert result.faults == {}
    assert result["dead"] == []
    assert load.statuses.keys() == {"202", "200"}
