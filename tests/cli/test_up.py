import json
import os
import re
import signal
import stat
import time
from pathlib import Path

import psutil
from up_process import MakeUp

from equerry.cli import leftovers

STEADY = "steady: sh -c 'echo started $$; sleep 1000'\n"
PAIR = "pair: sh -c 'sleep 1000 & echo child $!; echo leader $$; wait'\n"
STUBBORN = """stubborn: sh -c 'trap "" TERM; echo stubborn $$; while :; do sleep 0.2; done'\n"""


def gone(pid: int) -> bool:
    """Tell whether no such process runs any more."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_first_run_writes_settings_that_hold(make_up: MakeUp) -> None:
    """The first start writes a private equerry.toml with a key, and keeps it at the next."""
    up = make_up(STEADY)
    up.ready()
    file = up.folder / "equerry.toml"
    key = re.search(r'key = "([0-9a-f]{32})"', file.read_text())[1]
    assert f"X-Equerry-Key: {key}" in up.text
    for path, mode in ((file, 0o600), (up.data, 0o700), (up.data / "flower-password", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode, path
    up.stop()
    up.ready()
    assert key in file.read_text()


def test_stops_all_within_10_seconds(make_up: MakeUp) -> None:
    """SIGTERM ends every process, also one that ignores it, and exits 0."""
    up = make_up(STEADY + PAIR + STUBBORN)
    up.ready()
    assert all(up.pid(word) for word in ("started", "leader", "child", "stubborn"))
    assert len(up.alive()) >= 6
    assert up.stop() < 10
    assert up.code == 0
    assert up.alive() == []
    assert not (up.data / "run" / "processes.json").exists()


def test_second_interrupt_hurries(make_up: MakeUp) -> None:
    """A second Ctrl-C does not wait for a process that ignores the first."""
    up = make_up(STUBBORN)
    up.ready()
    up.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert up.stop(signal.SIGINT) < 2
    assert up.code == 0
    assert up.alive() == []


def test_stops_while_it_starts(make_up: MakeUp, free_port: int) -> None:
    """SIGTERM before the API answers ends what was started."""
    up = make_up("api: sh -c 'echo started $$; sleep 1000'\n")
    up.start(EQUERRY_API_PORT=str(free_port))
    up.wait_for(lambda: "started" in up.text)
    up.stop()
    assert up.code == 0
    assert up.alive() == []


def test_killed_process_is_restarted_and_the_others_are_not(make_up: MakeUp) -> None:
    """Kill -9 of one process starts that one again within 2 s; the other keeps its pid."""
    up = make_up(STEADY + PAIR)
    up.ready()
    first = up.pid("started")
    pair = up.pid("leader")
    os.kill(first, signal.SIGKILL)
    up.wait_for(lambda: len(up.pids("started")) == 2, 2)
    assert "steady was ended by SIGKILL; starting it again in 0.5 s" in up.text
    assert not gone(pair)
    assert up.pids("leader") == [pair]


def test_group_of_a_killed_leader_is_ended(make_up: MakeUp) -> None:
    """What a killed leader had started does not outlive it."""
    up = make_up(PAIR)
    up.ready()
    leader, child = up.pid("leader"), up.pid("child")
    os.kill(leader, signal.SIGKILL)
    up.wait_for(lambda: len(up.pids("leader")) == 2 and len(up.pids("child")) == 2, 5)
    assert gone(child)
    assert not gone(up.pids("child")[1])


def test_repeated_failure_is_told_with_the_last_lines(make_up: MakeUp) -> None:
    """The fifth failure in a row is told aloud with what the process said last."""
    up = make_up("broken: sh -c 'echo no such module; exit 3'\n")
    up.ready()
    up.wait_for(lambda: "FAILED 5 TIMES" in up.text, 20)
    assert "broken FAILED 5 TIMES IN A ROW" in up.text
    assert "broken |   no such module" in up.text
    assert "starting it again in 8 s" in up.text


def test_leftovers_of_a_killed_up_are_ended(make_up: MakeUp) -> None:
    """After kill -9 of `equerry up` itself, the next one ends what was left, and only that."""
    up = make_up(STEADY + PAIR + STUBBORN)
    up.ready()
    assert all(up.pid(word) for word in ("started", "leader", "child", "stubborn"))
    left = up.alive()
    os.kill(up.pid("leader"), signal.SIGKILL)  # its child stays, in a group without a leader
    up.stop(signal.SIGKILL)
    assert not gone(up.pid("started"))
    up.ready()
    assert all(gone(pid) for pid in left)
    assert "ended what a killed run had left" in up.text


def test_leftovers_spare_a_process_with_a_recycled_number(make_up: MakeUp, tmp_path: Path) -> None:
    """A recorded pid that is another process by now is left alone."""
    up = make_up(STEADY)
    up.ready()
    pid = up.pid("started")
    record = tmp_path / "processes.json"
    record.write_text(json.dumps([{"name": "steady", "pid": pid, "created": 1.0}]))
    assert leftovers.end(record, up.data) == ()
    assert not gone(pid)


def test_flower_password_is_on_no_command_line(make_up: MakeUp, free_port: int) -> None:
    """`ps` shows no password; the process named flower has it in its environment, others not."""
    up = make_up("flower: sh -c 'echo flower-auth $FLOWER_BASIC_AUTH; sleep 1000'\n" + STEADY)
    up.start(EQUERRY_FLOWER_PORT=str(free_port))
    up.wait_for(lambda: "flower-auth" in up.text and up.pids("started"))
    password = (up.data / "flower-password").read_text().strip()
    assert f"flower-auth admin:{password}" in up.text
    lines = [" ".join(psutil.Process(pid).cmdline()) for pid in up.alive()]
    assert lines
    assert not [line for line in lines if password in line]
    steady = up.pid("started")
    assert "FLOWER_BASIC_AUTH" not in psutil.Process(steady).environ()


MIXED = """mixed: sh -c 'echo "{\\"event\\":\\"e1\\"}"; printf "a\\033[2Jb\\n"; sleep 1000'\n"""


def test_output_for_a_person(make_up: MakeUp) -> None:
    """On a terminal each line has its process's name; a report cannot steer the terminal."""
    up = make_up(MIXED)
    up.ready()
    up.wait_for(lambda: "[2Jb" in up.text)
    assert 'mixed  | {"event":"e1"}' in up.text
    assert "\033" not in up.text
    assert 'mixed  | {"event":"e1"}' in (up.data / "log" / "equerry.log").read_text()


def test_output_for_a_program(make_up: MakeUp) -> None:
    """Elsewhere every line is JSON that names its process, and none holds Flower's password."""
    up = make_up(MIXED)
    up.start(EQUERRY_LOG_FORMAT="json")
    up.wait_for(lambda: "[2Jb" in up.text and '"running"' in up.text)
    up.stop()
    lines = [json.loads(line) for line in up.text.splitlines()]
    assert {"process": "mixed", "event": "e1"} in lines
    assert lines[-1]["event"] == "stopped"
    assert (up.data / "flower-password").read_text().strip() not in up.text
