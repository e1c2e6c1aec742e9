"""A map may be anything: an event that meets it passes, and says what was wrong."""

import io
import json
import os
import signal
import string
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from browser_events import SCRIPT_URL, event, frame, kept, report

from equerry.events.report import ReportedFrame
from equerry.events.severity import DEFAULT_RULES, RuleTable
from equerry.settings import SourceMaps
from equerry.source_maps import reading
from equerry.source_maps.artefact import Incoming, Kind
from equerry.source_maps.maps import Maps
from equerry.source_maps.position import Outcome, Question
from equerry.source_maps.reading import Reading
from equerry.source_maps.store import Store, Upload
from workers.pipeline import stages

NOW_MS = 1_764_000_000_000
GOOD: dict[str, Any] = {
    "version": 3,
    "sources": ["src/a.js"],
    "names": [],
    "mappings": "AAAA",
    "sourcesContent": ["first line\nsecond line"],
}
BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
SCRIPT = b"x()\n//# sourceMappingURL=shop-4f2a9c1b.js.map\n"


def sectioned(depth: int) -> dict[str, Any]:
    """Return the good map inside so many maps of sections."""
    made: dict[str, Any] = GOOD
    for _ in range(depth):
        made = {
            "version": 3,
            "sections": [{"offset": {"line": 0, "column": 0}, "map": made}],
        }
    return made


def resolved(
    store: Store,
    maps: Maps,
    source_map: bytes,
    script: bytes = SCRIPT,
    frames: tuple[ReportedFrame, ...] = (frame(1, 1),),
) -> tuple[Outcome, Any]:
    """Keep script and map, send an event through the stages; return outcome and oldest frame."""
    rows = [
        Incoming(
            "~/static/shop-4f2a9c1b.js",
            Kind.MINIFIED,
            lambda: io.BytesIO(script),
            mapped_by="shop-4f2a9c1b.js.map",
        ),
        Incoming("~/static/shop-4f2a9c1b.js.map", Kind.MAP, lambda: io.BytesIO(source_map)),
    ]
    store.add(rows, Upload("shop@1.2", "", NOW_MS), SourceMaps())
    tools = stages.Tools(RuleTable(DEFAULT_RULES), maps)
    done = stages.run(event(report(*frames)), tools)
    assert not isinstance(done, stages.Failed)
    found = kept(done.raw)
    [told] = found.source_maps
    return Outcome(told["outcome"]), found.exceptions[0].frames[0]


@pytest.mark.parametrize(
    "source_map",
    [
        b"",
        b"\0\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        json.dumps(GOOD | {"mappings": "A!AA"}).encode(),
        json.dumps(GOOD | {"mappings": "DDDD"}).encode(),
        json.dumps(GOOD | {"mappings": "g" * 40 + "B"}).encode(),
        json.dumps(GOOD | {"mappings": "A0gggA"}).encode(),
        json.dumps(GOOD | {"mappings": 7}).encode(),
        json.dumps(GOOD | {"sources": {"a": 1}}).encode(),
        json.dumps(sectioned(60)).encode(),
        b'{"version":3,"sections":' + b'[{"map":' * 5_000,
    ],
    ids=lambda data: data[:30].decode("latin-1") or "empty",
)
def test_damaged_map_is_an_outcome(store: Store, maps: Maps, source_map: bytes) -> None:
    """The event keeps its minified frame and says that the map is damaged."""
    outcome, got = resolved(store, maps, source_map)
    assert outcome is Outcome.DAMAGED
    assert (got.abs_path, got.minified) == (SCRIPT_URL, None)


@pytest.mark.parametrize(
    ("source_map", "filename", "line"),
    [
        (GOOD, "src/a.js", 1),
        (sectioned(1), "src/a.js", 1),
        (sectioned(3), "src/a.js", 1),
        (GOOD | {"sources": ["../../../../etc/passwd"]}, "etc/passwd", 1),
        (GOOD | {"sources": ["/etc/passwd"]}, "etc/passwd", 1),
        (GOOD | {"sources": ["file:///etc/passwd"]}, "etc/passwd", 1),
        (GOOD | {"sourcesContent": [None]}, "src/a.js", 1),
        (GOOD | {"sources": ["s" * 5_000 + ".js"]}, "s" * 1_024, 1),
        (GOOD | {"mappings": "AA8//BA"}, "src/a.js", 32_767),
    ],
    ids=range(9),
)
def test_odd_map_is_read(
    store: Store, maps: Maps, source_map: dict[str, Any], filename: str, line: int
) -> None:
    """Sections, climbing names, missing content and long names are read, and name no path here."""
    outcome, got = resolved(store, maps, json.dumps(source_map).encode())
    assert outcome is Outcome.RESOLVED
    assert (got.filename, got.lineno) == (filename, line)
    assert "root:" not in got.context_line


def test_null_source_is_no_place(store: Store, maps: Maps) -> None:
    """A position that maps to no source stays as it was."""
    outcome, got = resolved(store, maps, json.dumps(GOOD | {"sources": [None]}).encode())
    assert outcome is Outcome.NOT_IN_MAP
    assert got.minified is None


def vlq(number: int) -> str:
    """Return a number of mappings, zero or above, as Base64 VLQ."""
    digits, number = "", number << 1
    while number >= 32:
        digits, number = digits + BASE64[32 + number % 32], number >> 5
    return digits + BASE64[number]


def test_long_source_line_is_cut_around_its_column(store: Store, maps: Maps) -> None:
    """A source of one endless line gives the part around the place, and no more."""
    content = "a" * 1_000_000 + "HERE" + "b" * 1_000_000
    source_map = GOOD | {"sourcesContent": [content], "mappings": "AAA" + vlq(1_000_000)}
    _, got = resolved(store, maps, json.dumps(source_map).encode())
    assert len(got.context_line) == 240
    assert "HERE" in got.context_line


@pytest.mark.parametrize(
    "script",
    [b"(" * 200_000, b"[" * 300_000, b"function a(){" * 50_000, b"a+" * 2_000_000 + b"a"],
    ids=["parentheses", "brackets", "functions", "operators"],
)
def test_script_that_kills_its_reader_still_gives_lines(
    store: Store, maps: Maps, script: bytes
) -> None:
    """What overflows the library's stack ends the reader alone; the map is read without it."""
    outcome, got = resolved(store, maps, json.dumps(GOOD).encode(), script)
    assert outcome is Outcome.RESOLVED
    assert (got.filename, got.context_line) == ("src/a.js", "first line")


def test_huge_mappings_end_in_time(store: Store, maps: Maps) -> None:
    """Tens of millions of empty lines or segments are an outcome within the reader's time."""
    begun = time.monotonic()
    source_map = json.dumps(GOOD | {"mappings": ";" * 40_000_000 + "AAAA"}).encode()
    outcome, _ = resolved(store, maps, source_map)
    assert outcome in {Outcome.NOT_IN_MAP, Outcome.TOO_SLOW, Outcome.DAMAGED}
    assert time.monotonic() - begun < 3 * reading.ANSWER_SECONDS


def test_map_beyond_what_is_read_is_told(store: Store, maps: Maps) -> None:
    """A map of 110 MB is not read, and the event says so."""
    padded = json.dumps(GOOD | {"x": " " * 110_000_000}).encode()
    outcome, _ = resolved(store, maps, padded)
    assert outcome is Outcome.TOO_LARGE


def test_damaged_map_is_asked_for_once(
    store: Store, data: Path, clock: Callable[[], float]
) -> None:
    """A damaged map costs the first event something, and the next ones nothing."""

    class Counting(Reading):
        asked = 0

        def ask(self, question: Question) -> Any:
            self.asked += 1
            return super().ask(question)

    counting = Counting()
    maps = Maps(data, counting, clock)
    resolved(store, maps, b"damaged")
    before = counting.asked
    for _ in range(5):
        resolved(store, maps, b"damaged")
    assert counting.asked == before
    maps.close()


def test_slow_reader_is_ended(tmp_path: Path) -> None:
    """A reader that does not answer in time is killed; the next question starts another."""
    script = tmp_path / "a.js"
    script.write_bytes(b"x")
    source_map = tmp_path / "a.js.map"
    source_map.write_text(json.dumps(GOOD))
    question = Question(str(script), str(source_map), ((1, 1),))
    slow = Reading(seconds=0.0)
    assert slow.ask(question).outcome is Outcome.TOO_SLOW
    assert slow._process is None
    patient = Reading()
    assert patient.ask(question).outcome is Outcome.RESOLVED
    assert patient._process is not None
    reader = psutil.Process(patient._process.pid)
    patient.close()
    assert not reader.is_running()


def test_endless_answer_ends_the_reader(tmp_path: Path) -> None:
    """An answer without end holds up nobody: the reader is ended, and the event says so."""
    source_map = GOOD | {
        "mappings": "AAAA" + ";AACA" * 40,
        "sourcesContent": ["\n".join("x" * 240 for _ in range(50))],
    }
    (tmp_path / "a.js.map").write_text(json.dumps(source_map))
    positions = tuple((1 + number % 30, 1 + number) for number in range(12_500))
    asking = Reading()
    answer = asking.ask(Question("", str(tmp_path / "a.js.map"), positions))
    assert (answer.outcome, asking._process) == (Outcome.TOO_LARGE, None)


def test_reader_that_cannot_start_is_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no room for another process, events pass as they came."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert Reading().ask(Question("", "", ((1, 1),))).outcome is Outcome.NO_READER


def test_an_event_asks_for_a_bounded_number_of_frames(store: Store, data: Path) -> None:
    """Of thousands of frames the innermost ones are looked up: nobody stops a file's resolving."""

    class Noting(Reading):
        asked = ()

        def ask(self, question: Question) -> Any:
            self.asked += question.positions
            return super().ask(question)

    noting = Noting()
    maps = Maps(data, noting)
    frames = tuple(frame(1, column) for column in range(1, 1_000))
    outcome, got = resolved(store, maps, json.dumps(GOOD).encode(), frames=frames)
    maps.close()
    assert outcome is Outcome.RESOLVED
    assert set(noting.asked) == {(1, column) for column in range(500, 1_000)}
    assert got.minified is None


def test_killed_reader_is_started_again(tmp_path: Path) -> None:
    """A reader that somebody ended harms no answer: another takes its place."""
    (tmp_path / "a.js").write_bytes(b"x")
    (tmp_path / "a.js.map").write_text(json.dumps(GOOD))
    question = Question(str(tmp_path / "a.js"), str(tmp_path / "a.js.map"), ((1, 1),))
    asking = Reading()
    first = asking.ask(question)
    for how in (signal.SIGKILL, signal.SIGTERM):
        assert asking._process is not None
        os.kill(asking._process.pid, how)
        assert asking.ask(question) == first
    asking.close()


def test_reader_goes_with_its_worker(tmp_path: Path) -> None:
    """A worker that is killed leaves no reader behind."""
    code = (
        "import os, sys, time\n"
        "from equerry.source_maps.reading import Reading\n"
        "from equerry.source_maps.position import Question\n"
        "reading = Reading()\n"
        f"reading.ask(Question({str(tmp_path / 'none')!r}, '', ((1, 1),)))\n"
        "print(reading._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    worker = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    reader = int(worker.stdout)
    deadline = time.monotonic() + 10
    while _is_alive(reader) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_alive(reader)


def test_without_the_library_events_pass(
    store: Store, maps: Maps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed, the event says what to install."""
    (tmp_path / "symbolic.py").write_text("raise ImportError('no such extra')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome, got = resolved(store, maps, json.dumps(GOOD).encode())
    assert outcome is Outcome.NO_LIBRARY
    assert got.minified is None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
