"""`python -m bench`: run the benchmarks, print the table, write the JSON file."""

import signal
import sys
from pathlib import Path

import click

from bench import backlog, door, drain, envelopes, plan, report, whole
from bench.ground import work_folder
from bench.neighbours import Neighbours

# In this order: the quiet ones first.
BENCHMARKS = {each.NAME: each.run for each in (whole, drain, envelopes, door, backlog)}
WORK = Path(__file__).parents[1] / "build" / "bench"


def _chosen(_context: click.Context, _parameter: click.Parameter, text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in BENCHMARKS:
            raise click.BadParameter(f"{name}: there are {', '.join(BENCHMARKS)}")
    return names


@click.command()
@click.option("--only", callback=_chosen, default="", help=f"Some of {','.join(BENCHMARKS)}.")
@click.option("--quick", is_flag=True, help="Small sizes: a look, not a record.")
@click.option("--write-docs", is_flag=True, help="Put the table into docs/performance.md.")
@click.option(
    "--from",
    "earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Measure nothing: show (and write) this JSON file.",
)
def main(only: list[str], quick: bool, write_docs: bool, earlier: Path | None) -> None:  # noqa: FBT001
    """Measure Equerry against the simplest thing that could do, side by side in one run."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))  # end what was started
    if earlier is not None:
        done = report.read(earlier)
    else:
        done = _measure(only or list(BENCHMARKS), quick=quick)
        click.echo(f"written: {report.write(done)}", err=True)
    report.show(done)
    if write_docs:
        report.write_docs(done)
        click.echo(f"written: {report.DOCS}", err=True)


def _measure(names: list[str], *, quick: bool) -> report.Report:
    at = report.now()
    rows: list[report.Row] = []
    with Neighbours() as neighbours, work_folder(WORK) as folder:
        for name in names:
            rows += BENCHMARKS[name](folder, plan.QUICK if quick else plan.FULL)
    return report.Report(at, report.machine(), neighbours.share, quick, rows)


if __name__ == "__main__":
    main()
