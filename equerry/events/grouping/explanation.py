"""Why an error belongs to its issue: each part that was looked at, and what became of it."""

import msgspec

from equerry.events.grouping import messages, parts
from equerry.events.grouping.calls import Why
from equerry.events.grouping.parts import Selection, Strategy
from equerry.events.report import ErrorFacts, Thrown


class Part(msgspec.Struct, frozen=True):
    """One thing that was looked at: what it is, its text as it was hashed, and why."""

    what: str
    text: str
    contributes: bool
    why: Why


class Explanation(msgspec.Struct, frozen=True):
    """How a fingerprint came about. parts: exceptions innermost first, calls newest first."""

    version: int
    strategy: Strategy
    fingerprint: str
    parts: tuple[Part, ...]


def of(report: ErrorFacts) -> Explanation:
    """Explain the fingerprint of a report."""
    chosen = parts.of(report)
    if chosen.strategy is Strategy.EXPLICIT:
        said = tuple(
            Part("sender's", text, contributes=True, why=Why.TOLD) for text in report.group_by
        )
        is_spliced = any(map(parts.is_default, report.group_by))
        looked_at = _parts(report) if is_spliced else ()
    else:
        said, looked_at = (), _parts(report)
    fingerprint = parts.hashed(chosen.texts)
    return Explanation(parts.VERSION, chosen.strategy, fingerprint, (*said, *looked_at))


def _parts(report: ErrorFacts) -> tuple[Part, ...]:
    chosen = parts.default(report)
    if chosen.strategy is Strategy.KNOWN:
        return tuple(Part("known", text, contributes=True, why=Why.KNOWN) for text in chosen.texts)
    found: list[Part] = []
    for thrown, selection in zip(chosen.chain, chosen.selections, strict=True):
        found += _thrown(thrown, selection)
    return tuple(found)


def _thrown(thrown: Thrown, selection: Selection) -> list[Part]:
    message = messages.lasting(thrown.value)
    said = [Part("type", thrown.type, bool(thrown.type), Why.TOLD)]
    if thrown.value:
        why = Why.STACK_TOLD if selection.is_telling else Why.TOLD
        said.append(Part("message", message, not selection.is_telling, why))
    left = set(selection.texts)
    for call, why in zip(selection.calls, selection.whys, strict=True):
        contributes = call.text in left
        left.discard(call.text)
        said.append(Part("frame", call.text or call.shown, contributes, why))
    return said
