"""Stacks as text → frames: V8, Firefox, Safari, and Python's tracebacks."""

import functools
from collections.abc import Iterable
from itertools import islice

from equerry.events.report import Frame, Thrown

# V8 writes 10 frames, Python up to 1,000 of a recursion that two functions share.
_FRAMES = 64
# No line that names a place is longer in practice; a junk line costs no more than this.
_LINE = 500
# Of a chain the last ones; the first piece of the text may be of one that is left out.
_TRACEBACKS = 8
_TRACEBACK = "Traceback (most recent call last):"
_NOWHERE = "<anonymous>"


def frames(stack: str) -> tuple[Frame, ...]:
    """Return the frames, the oldest call first; lines that are none are passed over.

    Of a longer stack the 64 newest are read. A chain of tracebacks gives the frames of each.
    """
    if 'File "' in stack:
        return tuple(_read(reversed(stack.split("\n"))))[::-1]
    return tuple(_read(stack.split("\n")))[::-1]


def thrown(stack: str) -> tuple[Thrown, ...]:
    """Return what was thrown, innermost cause first: a chain where the text is Python's of one.

    The last one has frames only: type and message of a report are told beside its stack.
    """
    if stack.count(_TRACEBACK) < 2:  # noqa: PLR2004, two tracebacks are a chain
        return (Thrown(frames=frames(stack)),)
    *causes, last = stack.rsplit(_TRACEBACK, _TRACEBACKS)[-_TRACEBACKS:]
    return (*map(_traceback, causes), Thrown(frames=frames(last)))


def _traceback(text: str) -> Thrown:
    """Read one traceback of a chain: its first line without indentation says what was raised."""
    lines = text.split("\n")
    said = next((line for line in lines if line and not line[0].isspace()), "")
    kind, _, value = said.partition(": ")
    return Thrown(type=kind.strip().rpartition(".")[2], value=value, frames=frames(text))


def _read(lines: Iterable[str]) -> Iterable[Frame]:
    found = (_frame(line[:_LINE]) for line in lines)
    return islice((frame for frame in found if frame is not None), _FRAMES)


@functools.lru_cache(maxsize=2048)
def _frame(line: str) -> Frame | None:
    """Read a line; None where it is no frame."""
    text = line.strip()
    if text.startswith("at "):
        return _v8(text[3:])
    if text.startswith('File "'):
        place, _, rest = text[6:].partition('"')
        number, _, function = rest.removeprefix(", line ").partition(", in ")
        return _placed(function, place, number)
    function, at, place = text.rpartition("@") if "@" in text else ("", "", "")
    if not at and text != "[native code]":
        return None
    return _gecko(function, place)


def _v8(text: str) -> Frame:
    """Read `async Cart.pay [as onClick] (place:1:2)` or a bare place."""
    if "eval at " in text:
        return Frame(function=text.partition(" (")[0], filename=_NOWHERE)
    function, _, place = text.rpartition(" (")
    if not function:
        function, place = "", text.removeprefix("async ")
    place = place.removesuffix(")")
    if place.startswith("index ") or place == "native":
        place = _NOWHERE
    return _at(function, place)


def _gecko(function: str, place: str) -> Frame | None:
    """Read Firefox's and Safari's `function@place:1:2`."""
    if "[native code]" in place or " > " in place or place.startswith("debugger eval code"):
        return Frame(function=function, filename=_NOWHERE)
    # An address in a message has an @ too, but no position.
    frame = _at(function.rpartition("*")[2], place)
    return frame if frame.lineno else None


def _at(function: str, place: str) -> Frame:
    """Take `:line:column` or `:line` off the place."""
    path, _, last = place.rpartition(":")
    if not path or not _is_number(last):
        return Frame(function=function, filename=place)
    before, _, line = path.rpartition(":")
    if before and _is_number(line):
        return Frame(function=function, filename=before, lineno=int(line), colno=int(last))
    return Frame(function=function, filename=path, lineno=int(last))


def _placed(function: str, place: str, number: str) -> Frame:
    return Frame(function=function, filename=place, lineno=int(number) if _is_number(number) else 0)


def _is_number(text: str) -> bool:
    """Whether it counts lines: short, so that nobody makes us parse a number of 500 digits."""
    return text.isascii() and text.isdecimal() and len(text) < 10  # noqa: PLR2004, the length
