"""Slots: who lives holds a lock, and the kernel lets go for who dies."""

import subprocess
import sys
from pathlib import Path

from equerry.slots import Slots

HOLD = """
import sys, time
from pathlib import Path
from equerry.slots import Slots
print(Slots(Path(sys.argv[1])).take(), flush=True)
time.sleep(60)
"""


def test_numbers_are_taken_from_the_lowest(tmp_path: Path) -> None:
    """Two holders have two numbers, and a released one is taken again."""
    first, second = Slots(tmp_path), Slots(tmp_path)
    assert (first.take(), second.take()) == (1, 2)
    first.release(1)
    assert second.take() == 1


def test_a_killed_holder_is_known_at_once(tmp_path: Path) -> None:
    """Kill -9 frees the number without any time-out."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().strip() == "1"
        slots = Slots(tmp_path)
        with slots.borrow(1) as free:
            assert not free
        process.kill()
        process.wait()
        with slots.borrow(1) as free:
            assert free
    assert slots.take() == 1
