"""What the journal's lines add up to: numbers, states and merges, as the index had them. Pure."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from equerry.events.severity import Severity
from equerry.issues.journal import Deed, Line
from equerry.issues.state import State

# Shown with the issue; what gave it its number is not.
_SILENT = frozenset({Deed.CREATED, Deed.LINKED})


class Replayed(msgspec.Struct):
    """What the lines say. numbers: fingerprint → number. states: number → the last state told.

    merged: number → the issue that it is a part of. activity: number → its lines, oldest first.
    highest: the highest number that any line has. unsaid: whose numbers were given twice, as
    (fingerprint, number): a line of each must follow, or the next replay sets right anew, and takes
    what is said of the number from now on for the other one's.
    """

    numbers: dict[str, int] = {}
    states: dict[int, State] = {}
    merged: dict[int, int] = {}
    activity: dict[int, list[Line]] = {}
    highest: int = 0
    unsaid: list[tuple[str, int]] = []


def replay(lines: Iterable[Line]) -> Replayed:
    """Replay one project's lines, in the order in which they were written.

    Where the index was lost and counting began anew, a number was given twice. The first who had it
    keeps it; whoever got it later has the number that it had before, or a new one, and the lines
    that follow speak of that one.
    """
    ordered = list(lines)
    done = Replayed(highest=max((line.issue for line in ordered), default=0))
    holders = _holders(ordered)
    held = {name: number for number, name in reversed(holders.items())}
    now_called: dict[int, int] = {}
    for line in ordered:
        if line.what is Deed.CREATED:
            _create(done, line, holders[line.issue], held, now_called)
        number = now_called.get(line.issue, line.issue)
        if line.what is Deed.LINKED:
            done.numbers[line.fingerprint] = number
        elif line.what is Deed.MERGED:
            whole = now_called.get(line.into, line.into)
            done.merged[number] = whole
            _state(done, whole, line.state)
        elif line.what is Deed.UNMERGED:
            _unmerge(done, number, now_called.get(line.into, line.into), line.state)
        else:
            _state(done, number, line.state)
        if line.what not in _SILENT:
            done.activity.setdefault(number, []).append(line)
    twice = ((holders[number], number) for number in now_called)
    done.unsaid += [(name, number) for name, number in twice if done.numbers.get(name) == number]
    return done


def _holders(lines: Iterable[Line]) -> dict[int, str]:
    """Return number → the fingerprint that had it first."""
    holders: dict[int, str] = {}
    for line in lines:
        if line.what is Deed.CREATED:
            holders.setdefault(line.issue, line.fingerprint)
    return holders


def _create(
    done: Replayed, line: Line, holder: str, held: dict[str, int], now_called: dict[int, int]
) -> None:
    """Give the number, or what stands for it. held: the first number that a fingerprint holds."""
    name, number = line.fingerprint, line.issue
    if holder == name:
        now_called.pop(number, None)
        done.numbers[name] = number
        return
    if name not in done.numbers and name in held:
        done.numbers[name] = held[name]
    elif name not in done.numbers:
        done.highest += 1
        done.numbers[name] = done.highest
        done.unsaid.append((name, done.highest))
    now_called[number] = done.numbers[name]


def _state(done: Replayed, number: int, state: State | None) -> None:
    if state is not None:
        done.states[number] = state


def _unmerge(done: Replayed, number: int, whole: int, state: State | None) -> None:
    """Both are as grave as they were together."""
    done.merged.pop(number, None)
    _state(done, number, state)
    before = done.states.get(whole)
    if state and before and state.severity.rank > before.severity.rank:
        done.states[whole] = replace(before, severity=state.severity)


class Seen(msgspec.Struct):
    """What the archive's events say of one number. Times are epoch milliseconds."""

    severity: Severity
    first_ms: int
    last_ms: int


def states(replayed: Replayed, seen: Mapping[int, Seen]) -> dict[int, State]:
    """Return the state of each number that there are events of, or of its parts.

    The severity is the highest seen, by its events or by the lines. Each counts as told when it was
    seen last: a rebuild is no news.
    """
    known: dict[int, State] = {}
    for number, events in seen.items():
        told = replayed.states.get(number)
        state = told or State(severity=events.severity, since_ms=events.first_ms)
        known[number] = _graver(replace(state, told_ms=events.last_ms), events.severity)
    for part, whole in replayed.merged.items():
        if part in seen:
            known[whole] = _with_part(known.get(whole) or replayed.states.get(whole), seen[part])
    return known


def _with_part(whole: State | None, events: Seen) -> State:
    state = whole or State(severity=events.severity, since_ms=events.first_ms)
    return _graver(replace(state, told_ms=max(state.told_ms, events.last_ms)), events.severity)


def _graver(state: State, severity: Severity) -> State:
    return replace(state, severity=severity) if severity.rank > state.severity.rank else state
