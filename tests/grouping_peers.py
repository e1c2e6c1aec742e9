"""How others group, each in a few lines from what they publish: what the table of pairs compares.

In their favour: all read our frames, all follow the sender's fingerprint, and where one is said to
normalise a value, it does so as thoroughly as Sentry.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from equerry.events.grouping import fingerprint, stack_text
from equerry.events.report import ErrorFacts, Frame, Thrown

Hashes = set[tuple[str, ...]]

_PARAMETERS = re.compile(
    r"(?i)[\w.%+-]+@[\w-]+(?:\.[\w-]+)+|\b[a-z]+://\S+|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{40}\b"
    r"|\b\d{4}-\d{2}-\d{2}(?:[T ][\d:.]+(?:Z|[+-][\d:]+)?)?"
    r"|\b(?:mon|tue|wed|thu|fri|sat|sun),? \w+ \d+ \d{4}(?: [\d:]+(?: GMT[+-]\d+)?)?|\b\d+ms\b"
    r"|\b0x[0-9a-f]+\b|=(?:'[^']*'|\"[^\"]*\")"
    r"|=(?:true|false)\b|-?\b\d+\.\d+\b|-?\b\d+\b"
)
_HASHED = re.compile(r"(?:^|/)(?:[0-9a-f]{7,8}|[0-9a-f]{32}|[0-9a-f]{40}|v?\d+(?:\.\d+)+)(?=/)")
_PREFIX = re.compile(r"^/?(?:(?:_next|static|js|build)/)+")
_TAIL = re.compile(r"[-.][0-9a-f]{7,}$")
_FOREIGN = re.compile(r"node_modules|site-packages|lib/python|^node:|-extension://")
_REACT = re.compile(r"Minified React error #(\d+)")


def _parameterised(value: str) -> str:
    lines = [line for line in value.split("\n") if line.strip()][:2]
    return _PARAMETERS.sub("<>", "\n".join(lines))


def _chain(report: ErrorFacts) -> tuple[Thrown, ...]:
    if report.exceptions:
        return report.exceptions
    *causes, last = stack_text.thrown(report.stack)
    return (*causes, Thrown(type=report.name, value=report.message, frames=last.frames))


def _explicit(report: ErrorFacts, default: Hashes) -> Hashes:
    if not report.group_by or {text.strip("{} ") for text in report.group_by} == {"default"}:
        return default
    return {
        tuple(
            "|".join(each) if text.strip("{} ") == "default" else text for text in report.group_by
        )
        for each in default
    }


def sentry(report: ErrorFacts) -> Hashes:
    """Explicit → stack → exception → message; the hash of its own frames and that of all."""
    react = _REACT.search(report.message)
    if react or report.name == "ChunkLoadError":
        return _explicit(report, {("known", react[1] if react else report.name)})
    both = [tuple(_sentry(_chain(report), is_own=is_own)) for is_own in (True, False)]
    return _explicit(report, {each for each in both if each})


def _sentry(chain: tuple[Thrown, ...], *, is_own: bool) -> Iterable[str]:
    for thrown in chain:
        frames = [frame for frame in thrown.frames if not is_own or _is_own(frame)]
        parts = [text for text in map(_sentry_frame, frames) if text]
        once = [text for text, before in zip(parts, ["", *parts], strict=False) if text != before]
        yield from (thrown.type, *(once or [_parameterised(thrown.value)]))


def _is_own(frame: Frame) -> bool:
    return frame.in_app is not False and not _FOREIGN.search(frame.abs_path or frame.filename)


def _sentry_frame(frame: Frame) -> str:
    place = frame.filename
    if place in {"<anonymous>", "[native code]"}:
        return ""
    function = frame.function.partition(" [as ")[0].rpartition(" ")[2].rpartition(".")[2]
    if function in {"?", "<anonymous>"} or function.endswith("/<"):
        function = ""
    module = frame.module
    if not module and "://" in place:
        path = re.sub(r"\.[cm]?[jt]sx?$", "", urlsplit(place).path).removesuffix(".min")
        module = _TAIL.sub("", _PREFIX.sub("", _HASHED.sub("", path)))
    base = place.replace("\\", "/").rpartition("/")[2].lower()
    return f"{module or base}|{function}"


def bugsink(report: ErrorFacts) -> Hashes:
    """Type and normalised value of the last exception."""
    last = _chain(report)[-1]
    return _explicit(report, {(f"{last.type}: {_parameterised(last.value)}",)})


def glitchtip(report: ErrorFacts) -> Hashes:
    """Title, culprit and type; the value as it is."""
    last = _chain(report)[-1]
    top = last.frames[-1] if last.frames else Frame()
    culprit = report.transaction or f"{top.module or top.filename} in {top.function}"
    return _explicit(report, {(f"{last.type}: {last.value}", culprit, last.type)})


def stackpit(report: ErrorFacts) -> Hashes:
    """Type and value of the first exception."""
    first = _chain(report)[0]
    return _explicit(report, {(first.type, first.value)})


def equerry(report: ErrorFacts) -> Hashes:
    """Ours."""
    return {(fingerprint.fingerprint(report),)}


WAYS: dict[str, Callable[[ErrorFacts], Hashes]] = {
    "Equerry": equerry,
    "Sentry": sentry,
    "Bugsink": bugsink,
    "GlitchTip": glitchtip,
    "Stackpit": stackpit,
}
