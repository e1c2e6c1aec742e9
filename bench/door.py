"""Requests a second that the door accepts, against a bare Flask view with one XADD."""

import shlex
from collections.abc import Callable
from pathlib import Path

from bench import events, rounds
from bench.child import BenchError, Child, child
from bench.ground import SCOPE, Ground, free_port, settle, wait_for_port
from bench.peers import flask_view
from bench.plan import Fsync, Plan
from bench.report import TIMES, Goal, Row
from bench.rounds import spread
from equerry import keys
from equerry.cli import procfile
from equerry.redis_client import Redis

NAME = "door"
# What is sent: form, size in KB, goal. An envelope is also turned into the form that is kept.
FORMS = (
    ("errors", 1, Goal(0.7, "at least")),
    ("errors", 5, Goal(0.7, "at least")),
    ("envelopes", 5, None),
)
OURS, PEER = "api.app:create_app", "bench.peers.flask_view:create_app"


def run(folder: Path, plan: Plan) -> list[Row]:
    """Measure each of FORMS under both settings of the append-only file."""
    return [row for fsync in plan.fsyncs for row in _measure(folder, plan, fsync)]


def _measure(folder: Path, plan: Plan, fsync: Fsync) -> list[Row]:
    ground = Ground(folder / f"door-{fsync}", fsync)
    peer_port = free_port()
    with (
        ground.valkey() as redis,
        ground.running(_granian(OURS), **_ports(ground.settings.api.port)),
        ground.running(_granian(PEER), **_ports(peer_port)),
        child("bench.load", ground.environ, ground.folder) as load,
    ):
        for port in (ground.settings.api.port, peer_port):
            wait_for_port(port)
        rows = []
        for form, size_kb, goal in FORMS:
            ports = {"door": ground.settings.api.port, "bare view": peer_port}
            parties = {
                name: _party(redis, load, port, (form, size_kb), plan)
                for name, port in ports.items()
            }
            label = f"door, {form} of {size_kb} KB, {fsync}"
            samples = rounds.take_turns(label, parties, plan.rounds)
            rows.append(
                Row(
                    NAME,
                    f"Requests accepted, {form} of {size_kb} KB,"
                    " against a bare Flask view with one XADD",
                    TIMES,
                    rounds.ratios(samples, "door", "bare view"),
                    goal,
                    {
                        name: f"{spread(values).median:,.0f} requests/s"
                        for name, values in samples.items()
                    },
                    f"appendfsync {fsync}, the Procfile's granian line, 16 keep-alive connections,"
                    f" rate limits off,"
                    f" {plan.rounds} rounds of {plan.load_seconds:g} s",
                )
            )
    return rows


def _granian(app: str) -> tuple[str, ...]:
    """Return the Procfile's own line for the API, serving this app."""
    line = procfile.read(procfile.find())["api"]
    return ("sh", "-c", "exec " + line.replace(OURS, shlex.quote(app)))


def _ports(port: int) -> dict[str, str]:
    return {"EQUERRY_API_HOST": "127.0.0.1", "EQUERRY_API_PORT": str(port)}


def _party(
    redis: Redis, load: Child, port: int, sent: tuple[str, int], plan: Plan
) -> Callable[[], float]:
    form, size_kb = sent

    def measure() -> float:
        redis.unlink(keys.events(SCOPE), keys.events_bytes(SCOPE), flask_view.STREAM)
        settle(redis)
        answer = load.ask(
            port=port, seconds=plan.load_seconds, size_bytes=size_kb * events.KB, form=form
        )
        if answer["refused"] or not answer["accepted"]:
            raise BenchError(f"refused: {answer['refused']}, accepted: {answer['accepted']}")
        return float(answer["accepted"] / answer["seconds"])

    return measure
