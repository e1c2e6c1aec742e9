"""Results: a row against its goal, the table on the terminal, the JSON file, the table in docs."""

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.neighbours import QUIET_SHARE
from bench.rounds import Spread

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN = "<!-- results: `make bench ARGS=--write-docs` writes from here -->"
END = "<!-- results: to here -->"
MISSED = "MISSED"
# A file has no width of its own; the table needs some.
FILE_COLUMNS = 160
TIMES = "\N{MULTIPLICATION SIGN}"


class Goal(msgspec.Struct, frozen=True):
    """What was promised (issue 2, "Shown by" 4)."""

    bound: float
    side: Literal["at least", "at most"]


class Row(msgspec.Struct, frozen=True):
    """One result. unit: TIMES for a ratio, `ms`, `MB`.

    parties: who → its own figure with its unit. conditions: what one has to know to repeat it.
    """

    benchmark: str
    what: str
    unit: str
    value: Spread
    goal: Goal | None
    parties: dict[str, str]
    conditions: str

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, or nothing where there is no goal."""
        if self.goal is None:
            return ""
        value, bound = self.value.median, self.goal.bound
        met = value >= bound if self.goal.side == "at least" else value <= bound
        return "met" if met else MISSED

    @property
    def result(self) -> str:
        """The median, and the range of the rounds."""
        value = self.value
        if value.low == value.high:
            return self._figure(value.median)
        low, high = (
            self._figure(each).split()[0].rstrip(TIMES) for each in (value.low, value.high)
        )
        return f"{self._figure(value.median)} ({low} to {high})"

    @property
    def promised(self) -> str:
        """The goal as text."""
        if self.goal is None:
            return ""
        return f"{'≥' if self.goal.side == 'at least' else '≤'} {self._figure(self.goal.bound)}"

    def _figure(self, number: float) -> str:
        if self.unit == TIMES:
            return f"{number:.1f}{TIMES}" if number >= 10 else f"{number:.2f}{TIMES}"
        return f"{number:,.0f} {self.unit}"


class Report(msgspec.Struct, frozen=True):
    """One run. at: RFC 3339, UTC. others_share: of the cores' time, what others took, 0 to 1."""

    at: str
    machine: str
    others_share: float
    quick: bool
    rows: list[Row]

    @property
    def headline(self) -> str:
        """When, on what, and whether it may stand as a record."""
        text = f"{self.at[:10]}, {self.machine}; others took {self.others_share:.0%} of the cores"
        if self.others_share > QUIET_SHARE:
            text += ", so this is no record: run it on a quiet machine"
        return f"{text}. A quick run." if self.quick else f"{text}."


def machine() -> str:
    """Return what it runs on, in a line."""
    model = "unknown CPU"
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return (
        f"{os.cpu_count()} cores of {model}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def show(report: Report) -> None:
    """Print the table."""
    table = Table(title=report.headline, title_justify="left", show_lines=True)
    for name in ("What", "Goal", "Result (rounds)", "Verdict", "Figures"):
        table.add_column(name, overflow="fold")
    for row in report.rows:
        figures = "\n".join(f"{name}: {figure}" for name, figure in row.parties.items())
        what = Text.assemble(row.what, "\n", (row.conditions, "dim"))
        verdict = Text(row.verdict, {"met": "green", MISSED: "bold red"}.get(row.verdict, ""))
        table.add_row(what, row.promised, row.result, verdict, figures)
    console = Console()
    if not console.is_terminal:
        console.width = FILE_COLUMNS
    console.print(table)


def write(report: Report, folder: Path = RESULTS) -> Path:
    """Write the JSON file and return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{report.at.replace(':', '')}.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    return file


def read(file: Path) -> Report:
    """Read a JSON file that `write` wrote."""
    return msgspec.json.decode(file.read_bytes(), type=Report)


def markdown(report: Report) -> str:
    """Return the table as Markdown."""
    lines = [
        f"Measured {report.headline}",
        "",
        "| What | Goal | Result (range of rounds) | Verdict | Figures | Conditions |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        figures = "; ".join(f"{name} {figure}" for name, figure in row.parties.items())
        verdict = f"**{row.verdict}**" if row.verdict == MISSED else row.verdict
        cells = (row.what, row.promised, row.result, verdict, figures, row.conditions)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def write_docs(report: Report, file: Path = DOCS) -> None:
    """Replace the table between the markers. Raises ValueError where a marker is missing."""
    text = file.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file}: the markers of the table are missing")
    file.write_text(f"{before}{BEGIN}\n{markdown(report)}\n{END}{after}", "utf-8")


def now() -> str:
    """Return the time for a report."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
