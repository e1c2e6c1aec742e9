"""Spans of time as people write them: `30m`, `2h`, `90d`, `2w`."""

import re

import click

# 9,999 weeks are 191 years: a time that every calendar has.
_SPAN = re.compile(r"([1-9][0-9]{0,3})([mhdw])")
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int:
    """Return an option's milliseconds, 0 where it is left out. Raises click.BadParameter."""
    if text is None:
        return 0
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no span of time; write 30m, 2h, 90d or 2w")
    return int(found[1]) * _UNIT_MS[found[2]]
