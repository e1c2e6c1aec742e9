"""The benchmarks run and say something sane. No figure is judged: other work shares the cores."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import backlog, door, drain, envelopes, report, whole
from bench.plan import SMOKE, Plan
from bench.report import Goal, Report, Row
from bench.rounds import Spread, percentile, ratios, take_turns

Run = Callable[[Path, Plan], list[Row]]


@pytest.mark.parametrize(
    ("run", "goals"),
    [
        pytest.param(drain.run, [12, 0.5, None], id="drain"),
        pytest.param(envelopes.run, [3_000, None, None, None, None, None, 1.3], id="envelopes"),
        pytest.param(door.run, [0.7, 0.7, None], id="door"),
        pytest.param(backlog.run, [1.2], id="backlog"),
        pytest.param(whole.run, [350, 1_000, 2_000], id="whole", marks=pytest.mark.e2e),
    ],
)
def test_each_benchmark_yields_its_rows(run: Run, goals: list[float], tmp_path: Path) -> None:
    """Every row has its goal, finite figures in order, who was measured, and how."""
    rows = run(tmp_path / "work", SMOKE)
    assert [row.goal and row.goal.bound for row in rows] == goals
    for row in rows:
        value = row.value
        assert 0 < value.low <= value.median <= value.high < math.inf, row
        assert row.verdict in ({"met", "MISSED"} if row.goal else {""})
        assert row.parties
        assert row.conditions


ROW = Row("drain", "Speed", report.TIMES, Spread(14.0, 13.0, 15.0), None, {"a": "1 s"}, "once")


@pytest.mark.parametrize(
    ("goal", "verdict"),
    [
        (Goal(12, "at least"), "met"),
        (Goal(14, "at least"), "met"),
        (Goal(14.1, "at least"), "MISSED"),
        (Goal(14.1, "at most"), "met"),
        (Goal(14, "at most"), "met"),
        (Goal(13, "at most"), "MISSED"),
        (None, ""),
    ],
)
def test_verdict_is_of_the_median(goal: Goal | None, verdict: str) -> None:
    """The median is held against the goal, its bound included, whichever side it is of."""
    row = Row(ROW.benchmark, ROW.what, ROW.unit, ROW.value, goal, ROW.parties, ROW.conditions)
    assert row.verdict == verdict


def test_report_comes_back_from_its_file(tmp_path: Path) -> None:
    """What was measured is read back as it was, so the docs can be written later."""
    done = Report("2026-11-23T15:04:05Z", "a machine", 0.0, quick=True, rows=[ROW])
    assert report.read(report.write(done, tmp_path / "results")) == done


def test_docs_keep_all_but_the_table(tmp_path: Path) -> None:
    """Between the markers stands the new table; around them nothing has changed."""
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    done = Report("2026-11-23T15:04:05Z", "a machine", 0.0, quick=False, rows=[ROW])
    report.write_docs(done, file)
    text = file.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\nMeasured 2026-11-23, a machine;")
    assert "| Speed |" in text
    assert "old" not in text
    assert text.endswith(f"{report.END}\nafter\n")


def test_docs_without_markers_are_left_alone(tmp_path: Path) -> None:
    """A file without both markers is refused and not touched."""
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{report.BEGIN}\n")
    with pytest.raises(ValueError, match="markers"):
        report.write_docs(Report("2026-11-23T15:04:05Z", "m", 0.0, quick=False, rows=[ROW]), file)
    assert file.read_text() == f"before\n{report.BEGIN}\n"


def test_performance_page_has_its_markers() -> None:
    """The page that `--write-docs` fills is there, with its markers in order."""
    text = report.DOCS.read_text("utf-8")
    assert 0 <= text.find(report.BEGIN) < text.find(report.END)


def test_parties_take_turns() -> None:
    """The order turns each round, a first round does not count, and ratios pair the rounds."""
    order: list[str] = []

    def party(name: str, figures: list[float]) -> Callable[[], float]:
        def run() -> float:
            order.append(name)
            return figures.pop(0)

        return run

    parties = {"ours": party("ours", [9, 2, 9]), "peer": party("peer", [9, 1, 3])}
    samples = take_turns("test", parties, 2)
    assert order == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert samples == {"ours": [2, 9], "peer": [1, 3]}
    assert ratios(samples, "ours", "peer") == Spread(2.5, 2, 3)


@pytest.mark.parametrize(("share", "value"), [(0.5, 10), (0.95, 19), (1.0, 20), (0.0, 1)])
def test_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    """The value that this share of the values does not exceed."""
    assert percentile(range(20, 0, -1), share) == value
