"""The bar of long work with backups: how far, how fast, how long still."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from equerry.backups.progress import Progress as Done
from equerry.backups.progress import Watcher
from equerry.cli.printable import printable

# As a shell reports a program that Ctrl-C ended: 128 and the signal's number.
INTERRUPTED_EXIT = 130
NAMES_SHOWN = 2
NAME_CHARS = 32


@contextmanager
def bar(doing: str) -> Iterator[Watcher]:
    """Yield what shows progress, on a terminal's stderr. SIGTERM is taken as Ctrl-C meanwhile."""
    console = Console(stderr=True)
    shown = Progress(
        TextColumn(doing),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        with shown:
            task = shown.add_task("", total=None)

            def watch(done: Done) -> None:
                # The total is an estimate: beyond it the bar would say «done» too early.
                total = max(done.total_bytes, done.bytes) or None
                shown.update(task, total=total, completed=done.bytes, description=_said(done))

            yield watch
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _said(done: Done) -> str:
    names = [printable(name)[:NAME_CHARS] for name in done.running[:NAMES_SHOWN]]
    more = "…" if len(done.running) > NAMES_SHOWN else ""
    return f"{done.parts}/{done.total_parts} {', '.join(names)}{more}".replace("[", "\\[")
