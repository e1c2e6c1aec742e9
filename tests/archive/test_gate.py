import threading
import time
from pathlib import Path

from equerry.archive import gate


def test_many_drains_or_one_rebuild(tmp_path: Path) -> None:
    """Drains pass side by side; a rebuild waits for them, and is alone."""
    with gate.passing(tmp_path) as one, gate.passing(tmp_path) as two:
        assert (one, two) == (True, True)
        with gate.shut(tmp_path, 0.05) as mine:
            assert not mine
    with gate.shut(tmp_path, 0.05) as mine:
        assert mine
        with gate.passing(tmp_path) as open_, gate.shut(tmp_path, 0.05) as other:
            assert (open_, other) == (False, False)
    with gate.passing(tmp_path) as open_:
        assert open_


def test_a_waiting_rebuild_comes_next(tmp_path: Path) -> None:
    """While a rebuild waits for a running drain no new one starts, so it is not kept waiting."""
    shut = threading.Event()

    def rebuild() -> None:
        with gate.shut(tmp_path, 10.0) as mine:
            assert mine
            shut.set()

    thread = threading.Thread(target=rebuild)
    with gate.passing(tmp_path) as running:
        assert running
        thread.start()
        deadline = time.monotonic() + 10
        turned_away = False
        while not turned_away and time.monotonic() < deadline:
            with gate.passing(tmp_path) as open_:
                turned_away = not open_
        assert turned_away
        assert not shut.is_set()
    assert shut.wait(10)
    thread.join()
