"""Which issue an error belongs to, first version.

With a stack: its type and frames, without lines, columns and what a deploy changes. Without one:
its type and message, without what changes from visitor to visitor.
"""

import functools
import hashlib
import re

from equerry.events.linear import linear
from equerry.events.report import ErrorFacts

VERSION = 0

_FRAMES = 50
# Python's own expressions below are bounded by it; the cache of frames stays below 10 MB.
_LINE = 500
# Whole stacks up to this length are remembered; their cache stays below 10 MB too.
_KNOWN_CHARS = 4_096
# The first two lines say what happened; what follows is often a dump.
_MESSAGE_LINES = 2
_MESSAGE = 1_000
# Shorter names are a minifier's, and change with each build.
_NAMED = 3

_CHUNK = ("ChunkLoadError", "Loading chunk ", "Loading CSS chunk ")
_MINIFIED_REACT = re.compile(r"Minified React error #([0-9]{1,5})")

_VARIABLE = linear(
    r"(?i)[a-z][a-z0-9+.-]*://[^\s\"'<>)]+"
    r"|[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[t ][0-9:.]+(?:z|[+-][0-9:]+)?)?"
    r"|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b"
    r"|\b(?:0x[0-9a-f]+|[0-9a-f]{6,}[0-9][0-9a-f]*|[0-9a-f]*[0-9][0-9a-f]{6,})\b"
    r"|'[^'\s]*[0-9][^'\s]*'|\"[^\"]*\"|[+-]?\b[0-9]+(?:[.,][0-9]+)*(?:e[+-]?[0-9]+)?"
)

# What a build changes in a path: Next's build id, versions, and hashes as folders or in names
# (`main-<hex>.js`, `main.<hex>.chunk.js`, `chunks/<hex>.js`, Vite's `index-DiwrgTda.js`).
_BUILD_ID = re.compile(r"/_next/static/(?!chunks/|css/|media/|webpack/|development/)[^/]+/")
_VERSION = re.compile(r"/v?[0-9]+(?:\.[0-9]+)+(?=/)|@[0-9][^/]*")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?=[a-f]{0,39}[0-9])[0-9a-f]{7,64}(?![0-9A-Za-z])")
_VITE = re.compile(r"[-.](?=[A-Za-z_-]{0,7}[0-9]|[a-z0-9_-]{0,7}[A-Z])[A-Za-z0-9_-]{8}(?=\.\w+$)")


def fingerprint(report: ErrorFacts) -> str:
    """Return 32 lower-case hex digits, equal for errors of one cause."""
    return hashlib.blake2b("\n".join(_parts(report)).encode(), digest_size=16).hexdigest()


def _parts(report: ErrorFacts) -> tuple[str, ...]:
    version, name, message = str(VERSION), report.name, report.message
    if name == _CHUNK[0] or message.startswith(_CHUNK):
        return version, _CHUNK[0]
    minified = _MINIFIED_REACT.search(message)
    if minified:
        return version, "react", minified[1]
    # V8 begins a stack with the name and the message, which vary while the frames do not.
    stack = report.stack.removeprefix(f"{name}: {message}")
    frames, is_named = _known_frames(stack) if len(stack) <= _KNOWN_CHARS else _frames(stack)
    if is_named:
        return version, name, *frames
    return version, name, _message(message), *frames


def _message(message: str) -> str:
    """Return the first lines with everything that varies as `<>`."""
    lines = [line for line in message[:_MESSAGE].split("\n") if line.strip()][:_MESSAGE_LINES]
    return _VARIABLE.sub(b"<>", "\n".join(lines).encode()).decode("utf-8", "replace")


def _frames(stack: str) -> tuple[tuple[str, ...], bool]:
    """Return each frame once, in order, and whether any has a name that outlives a build.

    Once: a recursion's depth, and where it was cut, differ from run to run.
    """
    frames: dict[str, None] = {}
    is_named = False
    for line in stack.split("\n", _FRAMES)[:_FRAMES]:
        function, module = _frame(line[:_LINE])
        if function or module:
            frames[f"{module}|{function}"] = None
            is_named = is_named or len(function) >= _NAMED
    return tuple(frames), is_named


@functools.lru_cache(maxsize=1024)
def _known_frames(stack: str) -> tuple[tuple[str, ...], bool]:
    """Remember whole stacks: most errors of a site are repeats of a few."""
    return _frames(stack)


@functools.lru_cache(maxsize=2048)
def _frame(line: str) -> tuple[str, str]:
    """Read a frame of V8, of Firefox and Safari, or of Python; ("", "") for any other line."""
    text = line.strip()
    if text.startswith("at "):
        function, _, place = text[3:].rpartition(" (")
        if not function:
            function, place = "", text[3:].rpartition(" ")[2]
        place = "" if place.startswith("index ") else place.rstrip(")")
    elif text.startswith('File "'):
        place, _, function = text[6:].partition('"')
        function = function.partition(", in ")[2]
    else:
        function, at, place = text.partition("@")
        if not at or not place[-1:].isdecimal() or _unplaced(place) == place:
            return "", ""
    if "[native code]" in place or place in {"native", "<anonymous>"} or "eval at " in text:
        return "", ""
    return _function(function), _module(place)


def _function(name: str) -> str:
    """Return the last segment: `async Object.save [as onClick]` → `save`; "" for nameless ones."""
    name = name.partition(" [as ")[0].rpartition(" ")[2].replace("/<", "").replace("async*", "")
    name = name.rpartition(".")[2]
    return "" if name in {"<anonymous>", "anonymous", "?", "<module>"} else name


def _module(place: str) -> str:
    """Return the path without origin, query, position, and what a build changes."""
    return _stable(_unplaced(_unplaced(place)))


def _unplaced(place: str) -> str:
    """Take one `:12` off the end."""
    path, colon, number = place.rpartition(":")
    return path if colon and number.isdecimal() else place


@functools.lru_cache(maxsize=1024)
def _stable(path: str) -> str:
    scheme, mark, rest = path.partition("://")
    if mark and scheme.replace("-", "").isalpha():
        path = "/" + rest.partition("/")[2]
    path = path.partition("?")[0].partition("#")[0]
    if "/_next/static/" in path:
        path = _BUILD_ID.sub("/_next/static/_/", path)
    path = _VITE.sub("-_", _HEX.sub("_", _VERSION.sub("/_", path)))
    return path.replace(".min.", ".").replace("._", "-_").lower()
