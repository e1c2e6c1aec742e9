"""Puts the written file in the place of the minified one, in each frame that a map knows.

An event is never failed by it: what could not be found or read is told in `source_maps`.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from equerry.events.grouping import stack_text
from equerry.events.report import ErrorFacts, Frame, ReportedException, ReportedFrame
from equerry.source_maps.locate import Located, Wanted
from equerry.source_maps.maps import Project
from equerry.source_maps.original_path import in_app, readable
from equerry.source_maps.position import MAX_POSITION, Original, Outcome, Position

# Files of one event that are looked for; Relay keeps 50 frames of a stack.
FILES = 50
# Frames of one event that are looked up, innermost first. A sender may name 12,500, and each comes
# back with up to 11 lines of 240 characters: ten times what the reader may answer.
POSITIONS = 500
# What is told of the files in the event.
TOLD = 20
# Frames, innermost first, whose context lines are kept: they take up to 2.6 KB each.
WITH_CONTEXT = 20
PLATFORMS = frozenset({"javascript", "node"})
SCRIPTS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx")

_EXCEPTIONS = msgspec.json.Decoder(tuple[ReportedException, ...])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was looked for to resolve the frames of one file, and what came of it."""

    file: str
    outcome: Outcome
    frames: int
    debug_id: str = ""
    release: str = ""
    dist: str = ""
    looked_for: tuple[str, ...] = ()
    source_map: str = ""
    detail: str = ""


class Looked(NamedTuple):
    """One file's frames: an original for each position that the map knows."""

    told: Told
    originals: dict[Position, Original]


def concerns(report: ErrorFacts) -> bool:
    """Whether the report looks like JavaScript's: cheap, and right for all but the oddest."""
    if not report.exceptions:
        return any(ending in report.stack for ending in SCRIPTS)
    return not report.platform or report.platform in PLATFORMS


def resolve(raw: bytes, report: ErrorFacts, maps: Project) -> bytes:
    """Return the report's JSON with its frames resolved; `raw` itself where none asks for it."""
    thrown = report.exceptions or _native(report)
    files = _files(frame for each in reversed(thrown) for frame in reversed(each.frames))
    if not files:
        return raw
    looked = {
        file: _look(_wanted(report, file), positions, maps) for file, positions in files.items()
    }
    fields = _FIELDS.decode(raw)
    changed: dict[str, Any] = dict(fields)
    if any(each.originals for each in looked.values()):
        whole = _EXCEPTIONS.decode(fields["exceptions"]) if report.exceptions else _native(report)
        changed["exceptions"] = _resolved(whole, looked)
    changed["source_maps"] = [each.told for each in looked.values()][:TOLD]
    return msgspec.json.encode(changed)


def _native(report: ErrorFacts) -> tuple[ReportedException, ...]:
    """Return what a report's stack as text says, in the form in which SDKs send it."""
    # V8 begins a stack with the name and the message, which may look like frames.
    stack = report.stack.removeprefix(f"{report.name}: {report.message}")
    frames = tuple(
        ReportedFrame(
            function=frame.function,
            filename=frame.filename,
            lineno=frame.lineno,
            colno=frame.colno,
        )
        for frame in stack_text.frames(stack)
    )
    return (ReportedException(type=report.name, value=report.message, frames=frames),)


def _wanted(report: ErrorFacts, file: str) -> Wanted:
    ids = report.debug_ids
    # Node names a module's file by its path in a frame, and by its URL elsewhere.
    other = file.removeprefix("file://") if file.startswith("file://") else f"file://{file}"
    return Wanted(file, ids.get(file) or ids.get(other, ""), report.release, report.dist)


def _files(frames: Iterable[Frame]) -> dict[str, list[Position]]:
    """Return the positions to ask for, by file. frames: those that matter most come first."""
    files: dict[str, list[Position]] = {}
    for frame in itertools.islice(filter(_minified, frames), POSITIONS):
        if len(files) < FILES or url(frame) in files:
            files.setdefault(url(frame), []).append((frame.lineno, frame.colno))
    return files


def url(frame: Frame) -> str:
    """Return what a frame calls its file, whole."""
    return frame.abs_path or frame.filename


def _minified(frame: Frame) -> bool:
    """Whether a frame may be a built file's: it has a line, a column, and a script's name."""
    return (
        0 < frame.lineno < MAX_POSITION
        and 0 < frame.colno < MAX_POSITION
        and url(frame).partition("?")[0].partition("#")[0].endswith(SCRIPTS)
    )


def _look(wanted: Wanted, positions: Sequence[Position], maps: Project) -> Looked:
    found = maps.locate(wanted)
    if found.outcome is not Outcome.RESOLVED:
        return Looked(_told(wanted, found, found.outcome, len(positions), found.detail), {})
    asked = tuple(dict.fromkeys(positions))
    answer = maps.read(found, wanted, asked)
    originals = {
        position: original
        for position, original in zip(asked, answer.originals, strict=False)
        if original is not None
    }
    outcome = answer.outcome
    if outcome is Outcome.RESOLVED and not originals:
        outcome = Outcome.NOT_IN_MAP
    told = _told(wanted, found, outcome, len(positions), answer.detail)
    return Looked(told, originals)


def _told(wanted: Wanted, found: Located, outcome: Outcome, frames: int, detail: str) -> Told:
    return Told(
        file=wanted.url,
        outcome=outcome,
        frames=frames,
        debug_id=wanted.debug_id,
        release=wanted.release,
        dist=wanted.dist,
        looked_for=found.looked_for,
        source_map=found.map_url,
        detail=detail,
    )


def _resolved(
    exceptions: Sequence[ReportedException], looked: dict[str, Looked]
) -> list[ReportedException]:
    """Resolve the exceptions from the one that was caught inwards: context lines have a bound."""
    room = WITH_CONTEXT
    done: list[ReportedException] = []
    for thrown in reversed(exceptions):
        frames: list[ReportedFrame] = []
        for frame in reversed(thrown.frames):
            file = looked.get(url(frame))
            original = file.originals.get((frame.lineno, frame.colno)) if file else None
            if original is None or frame.minified is not None:
                frames.append(frame)
                continue
            frames.append(_original_frame(frame, original, with_context=room > 0))
            room -= 1
        done.append(replace(thrown, frames=tuple(reversed(frames))))
    return done[::-1]


def _original_frame(
    frame: ReportedFrame, original: Original, *, with_context: bool
) -> ReportedFrame:
    return replace(
        frame,
        function=original.function,
        module="",
        filename=readable(original.source),
        abs_path=original.source,
        lineno=original.line,
        colno=original.column,
        in_app=in_app(original.source),
        context_line=original.context_line if with_context else "",
        pre_context=original.pre_context if with_context else (),
        post_context=original.post_context if with_context else (),
        minified=Frame(
            function=frame.function,
            module=frame.module,
            filename=frame.filename,
            abs_path=frame.abs_path,
            lineno=frame.lineno,
            colno=frame.colno,
            in_app=frame.in_app,
        ),
    )
