"""What the verbs' tables have in common: the console that they are printed on, and ages."""

from rich.console import Console
from rich.text import Text

from equerry import clock
from equerry.cli.printable import printable

# A pipe has no width of its own.
PIPE_COLUMNS = 160
# Four lines of a narrow column; `--json` has what is longer.
NAME_CHARS = 48
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def console() -> Console:
    """Return standard output. What strangers sent is no markup."""
    made = Console(highlight=False, markup=False)
    if not made.is_terminal:
        made.width = PIPE_COLUMNS
    return made


def name(text: str) -> Text:
    """Return a stranger's name for a thing, as a cell: the hash of a commit stands whole."""
    shown = printable(text)
    return Text(shown if len(shown) <= NAME_CHARS else shown[: NAME_CHARS - 1] + "…")


def ago(when: str, now_ms: int) -> str:
    """Return the largest whole unit since then: `5 min`. when: RFC 3339."""
    gone_ms = max(0, now_ms - clock.parse_ms(when))
    for size_ms, unit in _UNITS:
        if gone_ms >= size_ms:
            return f"{gone_ms // size_ms} {unit}"
    return "0 s"
