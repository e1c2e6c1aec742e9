"""A disk that takes no more: events wait, somebody is told, and all goes on once there is room."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
from installation import Installation, short_folder, wait_until
from load import account, error, event_id

pytestmark = pytest.mark.faults

ROOM_BYTES = 256 * 1024
REQUESTS, EACH = 6, 100
TRIES = 6

MakeRoom = Callable[[], None]


@contextmanager
def small_disk(equerry: Installation) -> Iterator[MakeRoom]:
    """An archive on a tmpfs of ROOM_BYTES, which only root may mount."""
    archive = equerry.data / "archive"
    archive.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o"]
    done = subprocess.run(
        [*mount, f"size={ROOM_BYTES}", "tmpfs", str(archive)], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("mounting a small disk takes root")
    try:
        equerry.start()
        yield (
            lambda: (
                subprocess.run([*mount, "remount,size=64m", "tmpfs", str(archive)], check=True)
                and None
            )
        )
    finally:
        equerry.close()
        subprocess.run(["umount", str(archive)], check=True)


@contextmanager
def small_files(equerry: Installation) -> Iterator[MakeRoom]:
    """Workers that may write no file beyond ROOM_BYTES: the kernel refuses as a full disk does."""

    def limit(size_bytes: int) -> None:
        worker = equerry.main("worker")
        assert worker is not None
        for each in [worker, *equerry.children("worker")]:
            each.rlimit(psutil.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    try:
        equerry.start()
        wait_until(lambda: equerry.children("worker"), "the worker has forked")
        limit(ROOM_BYTES)
        yield lambda: limit(resource.RLIM_INFINITY)
    finally:
        equerry.close()


@pytest.mark.parametrize(
    "disk",
    [
        small_disk,
        pytest.param(
            small_files,
            marks=pytest.mark.skipif(
                not hasattr(psutil, "RLIMIT_FSIZE"), reason="limits of others are Linux's"
            ),
        ),
    ],
)
def test_full_disk_loses_nothing(
    disk: Callable[[Installation], Iterator[MakeRoom]],
) -> None:
    """Draining stops with a critical alert and no dead letter; with room again, all is archived."""
    numbers = list(range(1, REQUESTS * EACH + 1))
    with short_folder() as folder:
        environ = {"EQUERRY_WORKER_CONCURRENCY": "1"}
        equerry = Installation(folder, lines=("api", "worker", "jobs", "beat"), environ=environ)
        with disk(equerry) as make_room:
            for start in range(0, len(numbers), EACH):
                batch = [
                    error(number) | {"stack": "x" * 1000}
                    for number in numbers[start : start + EACH]
                ]
                answer = equerry.post("/api/errors", batch)
                assert answer.body["ids"] == [event_id(n) for n in numbers[start : start + EACH]]
            told = "ALERT CRITICAL site: The archive's disk is full"
            wait_until(lambda: told in equerry.output, "somebody is told")
            wait_until(
                lambda: equerry.output.count("archive-disk-full") >= TRIES,
                "the drain tried again and again",
                seconds=60,
            )
            assert equerry.waiting() > 0
            make_room()
            equerry.wait_drained(seconds=60)
            result = account(equerry, set(numbers))
    assert result.faults == {}
    assert result["dead"] == []
    assert result["archived"] == len(numbers)
