"""Spans of time as people write them: `30m`, `2h`, `90d`, `2w`."""

import re

import click

from equerry.clock import UNIT_MS

# 9,999 weeks are 191 years: a time that every calendar has.
_SPAN = re.compile(r"([1-9][0-9]{0,3})([mhdw])")


def read(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int:
    """Return an option's milliseconds, 0 where it is left out. Raises click.BadParameter."""
    if text is None:
        return 0
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no span of time; write 30m, 2h, 90d or 2w")
    return int(found[1]) * UNIT_MS[found[2]]
