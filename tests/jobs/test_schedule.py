"""The schedule: data only, complete, and kept by one beat at a time."""

import ast
import datetime as dt
from pathlib import Path

import pytest
from celery import Celery

import beat_schedule
from equerry import clock, keys
from equerry.queue import make_app
from equerry.redis_client import Redis
from workers import beat, process
from workers.jobs import JOBS


def test_the_schedule_is_data() -> None:
    """beat_schedule.py imports nothing but celery.schedules, and calls nothing else."""
    tree = ast.parse(Path(beat_schedule.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in imports if isinstance(node, ast.ImportFrom)] == [
        "celery.schedules"
    ]
    assert len(imports) == 1
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert called <= {"crontab", "schedule"}


def test_every_job_is_scheduled_and_every_schedule_has_its_job() -> None:
    """The two tables name the same jobs."""
    assert beat_schedule.JOBS.keys() == JOBS.keys()


class NotingBeat(beat.LedgerScheduler):
    """A beat that notes what it sends: (job, due time)."""

    def __init__(self, app: Celery) -> None:
        self.sent: list[tuple[str, str]] = []
        app.send_task = lambda _task, args, **_rest: self.sent.append(args)
        super().__init__(app=app)


@pytest.fixture
def beats(redis: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[NotingBeat]:
    """Return two beats over one Redis."""
    config = tmp_path / "equerry.toml"
    config.write_text("", "utf-8")
    monkeypatch.setenv("EQUERRY_CONFIG", str(config))
    monkeypatch.setattr(process, "redis", lambda: redis)
    made = []
    for _ in range(2):
        app = make_app()
        app.conf.beat_schedule = {
            name: {"task": "t", "schedule": job["when"], "options": {"queue": "q"}}
            for name, job in beat_schedule.JOBS.items()
        }
        made.append(NotingBeat(app))
    return made


def test_one_beat_leads(beats: list[NotingBeat], redis: Redis) -> None:
    """The second waits; when the first one's lead runs out, it takes over."""
    first, second = beats
    first.tick()
    second.tick()
    assert first._leading
    assert not second._leading
    redis.delete(keys.beat_leader())
    second.tick()
    first.tick()
    assert second._leading
    assert not first._leading


def test_a_missed_run_is_sent_once_at_the_next_start(beats: list[NotingBeat], redis: Redis) -> None:
    """Down over 03:30: sent when beat is back, for the due time that was missed; not again."""
    day_ago = clock.now_ms() - 26 * 3_600_000
    redis.hset(keys.beat_sent(), "retention", str(day_ago))
    first, second = beats
    first.tick()
    slots = [slot for name, slot in first.sent if name == "retention"]
    assert len(slots) == 1
    assert dt.datetime.fromisoformat(slots[0]) < dt.datetime.now(dt.UTC)
    first.tick()
    redis.delete(keys.beat_leader())
    second.tick()
    assert [name for name, _ in first.sent + second.sent].count("retention") == 1


def test_a_job_never_sent_is_not_due_at_the_first_start(
    beats: list[NotingBeat],
) -> None:
    """A fresh installation does not run last night's jobs."""
    first, _ = beats
    first.tick()
    assert "retention" not in [name for name, _ in first.sent]
