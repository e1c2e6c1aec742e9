"""The first start of somebody who has set up nothing, and the end of every start."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from installation import Installation, short_folder, wait_until

pytestmark = pytest.mark.e2e


@pytest.fixture
def fresh() -> Iterator[Installation]:
    """A started Equerry without any alert channel."""
    with short_folder() as folder:
        equerry = Installation(folder)
        try:
            equerry.start()
            yield equerry
        finally:
            equerry.close()


def test_alert_in_the_terminal_then_a_clean_stop(fresh: Installation) -> None:
    """Without channels an alert is shown in the terminal; SIGTERM ends everything within 10 s."""
    error = {"name": "TypeError", "message": "nobody set up Slack", "boundary": "global"}
    assert fresh.post("/api/errors", error).status == 202
    shown = "ALERT CRITICAL web: TypeError: nobody set up Slack"
    wait_until(lambda: shown in fresh.output, "the alert is in the terminal")
    fresh.wait_drained()
    assert {"valkey-server", "granian", "equerry-celery"} <= {each.name() for each in fresh.tree()}
    assert orphans(fresh)
    assert fresh.stop() < 10
    assert orphans(fresh) == []
    assert [line["message"] for line in fresh.archive("errors")] == ["nobody set up Slack"]


def orphans(equerry: Installation) -> list[str]:
    """Return the command lines of what still runs in its folder."""
    found = []
    for each in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(each.cwd()).is_relative_to(equerry.folder):
                found.append(" ".join(each.cmdline()))
    return found
