"""What of a report makes its fingerprint: explicit → known → stack → exception → message."""

import enum
import functools
import hashlib
from typing import NamedTuple

from equerry.events.grouping import calls, known, messages, stack_text
from equerry.events.grouping.calls import Call, Why
from equerry.events.report import ErrorFacts, Frame, Thrown

VERSION = 1
# No fingerprint of one version is one of another.
_SALT = str(VERSION)

# Of each exception the newest frames, and of a chain the last ones: senders may send any number.
_FRAMES = 64
_CHAIN = 8
# Whole stacks up to this length are remembered; their cache stays below 10 MB.
_KNOWN_CHARS = 4_096
_OVERFLOWS = ("Maximum call stack size exceeded", "too much recursion")


class Strategy(enum.StrEnum):
    """What an error is told apart by."""

    EXPLICIT = "explicit"
    KNOWN = "known"
    STACK = "stack"
    STACK_AND_MESSAGE = "stack and message"
    EXCEPTION = "exception"
    MESSAGE = "message"


class Selection(NamedTuple):
    """A stack's parts. calls and whys: the newest call first. is_telling: it needs no message."""

    texts: tuple[str, ...]
    is_telling: bool
    calls: tuple[Call, ...]
    whys: tuple[Why, ...]


class Parts(NamedTuple):
    """What is hashed, and what it was chosen from: one selection for each exception of `chain`."""

    strategy: Strategy
    texts: tuple[str, ...]
    chain: tuple[Thrown, ...] = ()
    selections: tuple[Selection, ...] = ()


def of(report: ErrorFacts) -> Parts:
    """Return what the sender wants to group by, with `{{ default }}` replaced; else the default."""
    chosen = default(report)
    if not report.group_by or all(map(is_default, report.group_by)):
        return chosen
    ours = hashed(chosen.texts)
    texts = tuple(ours if is_default(text) else text for text in report.group_by)
    return chosen._replace(strategy=Strategy.EXPLICIT, texts=("explicit", *texts))


def is_default(text: str) -> bool:
    """Whether the sender asks for what we would group by."""
    return text.startswith("{{") and text.endswith("}}") and text[2:-2].strip() == "default"


@functools.lru_cache(maxsize=2048)
def hashed(texts: tuple[str, ...]) -> str:
    """Return 32 lower-case hex digits of the parts."""
    text = "\0".join((_SALT, *texts)).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def default(report: ErrorFacts) -> Parts:
    """Return the parts of a report whose sender did not say what to group by."""
    alone = known.parts(report)
    if alone:
        return Parts(Strategy.KNOWN, alone)
    if report.exceptions:
        chain = report.exceptions[-_CHAIN:]
        selections = _selections(chain)
    elif not report.stack:
        chain = (Thrown(type=report.name, value=report.message),)
        selections = (_EMPTY,)
    else:
        chain, selections = _of_text(report)
    return _parts(chain, selections)


def _parts(chain: tuple[Thrown, ...], selections: tuple[Selection, ...]) -> Parts:
    """Join the exceptions: each counts once, and in whatever order the sender names them."""
    if len(chain) == 1:
        texts, strategy = _one(chain[0], selections[0])
        return Parts(strategy, texts, chain, selections)
    each = {
        _one(thrown, selection): None for thrown, selection in zip(chain, selections, strict=True)
    }
    joined = tuple(text for texts, _ in sorted(each) for text in (*texts, ""))
    # The exception that was caught names the strategy.
    return Parts(_one(chain[-1], selections[-1])[1], joined, chain, selections)


def _one(thrown: Thrown, selection: Selection) -> tuple[tuple[str, ...], Strategy]:
    if selection.is_telling:
        return (thrown.type, *selection.texts), Strategy.STACK
    message = messages.lasting(thrown.value)
    texts = (thrown.type, message, *selection.texts)
    if selection.texts:
        return texts, Strategy.STACK_AND_MESSAGE
    return texts, Strategy.EXCEPTION if thrown.type else Strategy.MESSAGE


def _of_text(report: ErrorFacts) -> tuple[tuple[Thrown, ...], tuple[Selection, ...]]:
    # V8 begins a stack with the name and the message, which may look like frames.
    stack = report.stack.removeprefix(f"{report.name}: {report.message}")
    read = _remembered_text if len(stack) <= _KNOWN_CHARS else _read
    causes, selections = read(stack, _is_overflow(report.name, report.message))
    return (*causes, Thrown(type=report.name, value=report.message)), selections


def _read(stack: str, is_overflow: bool) -> tuple[tuple[Thrown, ...], tuple[Selection, ...]]:  # noqa: FBT001, a key of the cache
    """Return the causes that a text names, and the selection of each and of the error itself."""
    *causes, last = stack_text.thrown(stack)[-_CHAIN:]
    selection = _select(last.frames[-_FRAMES:], is_overflow)
    return tuple(causes), (*_selections(tuple(causes)), selection)


_remembered_text = functools.lru_cache(maxsize=1024)(_read)


def _selections(chain: tuple[Thrown, ...]) -> tuple[Selection, ...]:
    return tuple(_selection(each.frames, _is_overflow(each.type, each.value)) for each in chain)


def _selection(frames: tuple[Frame, ...], is_overflow: bool) -> Selection:  # noqa: FBT001, a key of the cache
    """Choose the calls that tell; stacks of up to _FRAMES are remembered."""
    if len(frames) > _FRAMES:
        return _select(frames[-_FRAMES:], is_overflow)
    try:
        return _remembered(frames, is_overflow)
    except TypeError:  # frames as they are kept hold variables, which have no hash
        return _select(frames, is_overflow)


def _is_overflow(name: str, message: str) -> bool:
    """Whether the stack ran full: where it did is chance, what recurs is the bug."""
    return name == "RecursionError" or message.startswith(_OVERFLOWS)


def _select(frames: tuple[Frame, ...], is_overflow: bool) -> Selection:  # noqa: FBT001, a key of the cache
    """Choose the calls that tell: the site's own where there are any, down to a recursion.

    A call that comes up again is a recursion. What called it first is left out: whether the stack
    still shows it depends on how deep the recursion went.
    """
    found = tuple(calls.call(frame) for frame in reversed(frames))
    own = [each for each in found if each.in_app]
    if is_overflow and own:
        return _recursion(found, own)
    if not own:
        return _foreign(found)
    end = _end(own)
    texts: dict[str, None] = {}
    whys = []
    left = len(own)
    for each in found:
        if each.in_app:
            left -= 1
        if not each.in_app:
            whys.append(each.note)
        elif len(own) - left > end:
            whys.append(Why.RECURSION)
        elif each.text and (each.function or not each.is_built or each is own[0]):
            texts[each.text] = None
            whys.append(each.note)
        else:
            # Which chunk a nameless call lies in is the bundler's choice, and may change.
            whys.append(each.note)
    top = own[0]
    is_telling = bool(top.function) or (not top.is_built and any(each.function for each in own))
    return Selection(tuple(texts), is_telling, found, tuple(whys))


# Most errors of a site are repeats of a few stacks; what was said each time differs.
_remembered = functools.lru_cache(maxsize=512)(_select)


def _end(own: list[Call]) -> int:
    """Return how many calls lie above the first that comes up again.

    Minified names come up again by chance: at once or for the third time is a recursion.
    """
    times: dict[str, int] = {}
    before = ""
    for number, each in enumerate(own):
        if each.key:
            known = times.get(each.key, 0)
            if known and (each.function or known > 1 or before == each.key):
                return number
            times[each.key] = known + 1
        before = each.key
    return len(own)


def _recursion(found: tuple[Call, ...], own: list[Call]) -> Selection:
    seen: set[str] = set()
    again: set[str] = set()
    for each in own:
        (again if each.key in seen else seen).add(each.key)
    again.discard("")
    texts = {each.text for each in own if each.text and each.key in (again or seen)}
    whys = tuple(
        each.note if each.text in texts or not each.in_app else Why.NOT_RECURSIVE for each in found
    )
    is_telling = any(each.function for each in own if each.text in texts)
    return Selection(tuple(sorted(texts)), is_telling, found, whys)


def _foreign(found: tuple[Call, ...]) -> Selection:
    """Take the newest named call of somebody else's: what lies below changes with upgrades."""
    top = next((each for each in found if each.function and each.file), None)
    whys = tuple(Why.TOLD if each is top else each.note for each in found)
    return Selection((top.text,) if top else (), is_telling=False, calls=found, whys=whys)


_EMPTY = Selection((), is_telling=False, calls=(), whys=())
