"""The whole of `equerry up`: its memory at rest, and the time from an event to its webhook.

Every alert goes out at once (`alerts.bundle_seconds = 0`): the wait for a bundle is a wish of the
operator, not a cost. Each probe is a new issue of its own.
"""

import contextlib
import http.client
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from bench import events, rounds
from bench.child import BenchError, Child, child
from bench.ground import KEY, Ground
from bench.plan import Plan
from bench.receiver import Receiver
from bench.report import Goal, Row
from bench.rounds import Spread

NAME = "whole"
BACKGROUND_PER_SECOND = 500
NOISE_SHARE = 0.1
READY_SECONDS = 60.0
LOST_SECONDS = 20.0
# The load runs so long before the first probe, and so long for each.
LEAD_SECONDS = 1.0
QUIET_SECONDS = 1.5
PROBE_SECONDS = 0.6
UP = (sys.executable, "-c", "from equerry.cli.main import main; main()", "up")
MORE = "\n[alerts]\nbundle_seconds = 0\nallow_private = true\n"
WEBHOOK = '\n[alerts.webhook]\nurl = "{url}"\nsecret = "bench"\n'
# What a process is called in the table, by a word of its command line; the first that fits.
_KINDS = ("valkey", "api.app", "dashboard.app", "flower", "beat", "jobs@", "worker@")


def run(folder: Path, plan: Plan) -> list[Row]:
    """Start everything once; memory first, then idle, then under load."""
    with Receiver() as receiver:
        ground = Ground(folder / "whole", "always", MORE + WEBHOOK.format(url=receiver.url))
        with _up(ground) as process, child("bench.load", ground.environ, ground.folder) as load:
            time.sleep(plan.rest_seconds)
            rows = [_memory(process.pid, plan)]
            port = ground.settings.api.port
            _probe(port, receiver, "warm")  # the first event pays for caches and connections
            rows.append(
                _latency("idle", 1_000, _probes(port, receiver, "idle", plan.probes, math.inf), "")
            )
            rows.append(_under_load(port, receiver, load, plan))
    return rows


@contextlib.contextmanager
def _up(ground: Ground) -> Iterator["subprocess.Popen[bytes]"]:
    with ground.running(UP, EQUERRY_LOG_FORMAT="json") as process:
        deadline = time.monotonic() + READY_SECONDS
        log = ground.folder / "log"
        while '"event":"running"' not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"`equerry up` did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield process


def _memory(pid: int, plan: Plan) -> Row:
    leader = psutil.Process(pid)
    shares: dict[str, float] = {}
    for process in (leader, *leader.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
            line = " ".join(process.cmdline())
            name = next(
                (kind.rstrip("@").removesuffix(".app") for kind in _KINDS if kind in line), "up"
            )
            shares[name] = shares.get(name, 0) + _pss_mb(process.pid)
    total = sum(shares.values())
    return Row(
        NAME,
        "Memory of the whole of `equerry up` at rest",
        "MB",
        Spread(total, total, total),
        Goal(350, "at most"),
        {name: f"{megabytes:.0f} MB" for name, megabytes in shares.items()},
        f"sum of PSS over its processes, after {plan.rest_seconds:g} s without an event",
    )


def _pss_mb(pid: int) -> float:
    """Return a process's own memory, and its share of what it shares, in MB of 10^6 bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise BenchError(f"no PSS of process {pid}")


def _probes(port: int, receiver: Receiver, name: str, count: int, until: float) -> list[float]:
    """Send probes one by one at uneven times, this many or while there is time (monotonic).

    Returns milliseconds from before the send to the arrival of the alert, of at least one.
    """
    took: list[float] = []
    while not took or (len(took) < count and time.monotonic() < until):
        time.sleep(random.uniform(0.1, 0.4))
        took.append(_probe(port, receiver, f"{name}{_letters(len(took))}"))
    return took


def _letters(number: int) -> str:
    """Return the number in letters: the fingerprint ignores digits of a message."""
    return "".join(chr(ord("A") + int(digit)) for digit in str(number))


def _probe(port: int, receiver: Receiver, name: str) -> float:
    report = {"name": f"Probe{name}", "message": "How long does it take?", "boundary": "global"}
    headers = {"Content-Type": "application/json", "X-Equerry-Key": KEY}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LOST_SECONDS)
    sent = time.perf_counter()
    connection.request("POST", "/api/errors", msgspec.json.encode(report), headers)
    status = connection.getresponse().status
    connection.close()
    came = receiver.wait(f"Probe{name}: How long does it take?", LOST_SECONDS)
    if status != 202 or came is None:
        raise BenchError(f"probe {name}: HTTP {status}, no alert within {LOST_SECONDS:g} s")
    return (came - sent) * 1000


def _under_load(port: int, receiver: Receiver, load: Child, plan: Plan) -> Row:
    """Probe while others send noise and issues that are known by then."""
    shape = {"port": port, "size_bytes": events.KB, "noise_share": NOISE_SHARE}
    load.ask(**shape, rate=BACKGROUND_PER_SECOND, seconds=plan.warm_seconds)
    before = -1
    while receiver.count > before:  # until the alerts of those issues are through
        before = receiver.count
        time.sleep(QUIET_SECONDS)
    seconds = LEAD_SECONDS + plan.probes * PROBE_SECONDS
    began = time.monotonic()
    load.tell(**shape, rate=BACKGROUND_PER_SECOND, seconds=seconds)
    time.sleep(LEAD_SECONDS)
    # The last probe begins a little before the load ends: each has it beside itself.
    took = _probes(port, receiver, "load", plan.probes, began + seconds - PROBE_SECONDS)
    answer = load.answer()
    rate = answer["accepted"] / answer["seconds"]
    note = (
        f"; beside {rate:.0f} events/s in requests of one, {NOISE_SHARE:.0%} of them noise,"
        f" the rest known issues"
    )
    return _latency("under load", 2_000, took, note)


def _latency(when: str, goal_ms: float, took_ms: list[float], note: str) -> Row:
    p95 = rounds.percentile(took_ms, 0.95)
    return Row(
        NAME,
        f"Event to webhook, {when}, p95",
        "ms",
        Spread(p95, p95, p95),
        Goal(goal_ms, "at most"),
        {
            "p50": f"{rounds.percentile(took_ms, 0.50):,.0f} ms",
            "p95": f"{p95:,.0f} ms",
            "greatest": f"{max(took_ms):,.0f} ms",
        },
        f"appendfsync always, {len(took_ms)} new issues one at a time, bundle_seconds = 0{note}",
    )
