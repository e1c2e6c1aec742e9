"""Reads source maps in a process of its own: `python -m equerry.source_maps.reader`.

Apart from the worker, because a deeply nested script overflows the library's stack, which no
exception tells of; because what is parsed takes four times its bytes; and because a parse cannot be
interrupted. Questions come as JSON Lines on standard input, answers go to standard output. It ends
by itself when nothing was asked for a minute, or when the worker is gone.
"""

import base64
import binascii
import importlib
import re
import resource
import select
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from equerry.source_maps.artefact import MAPPING_MARK
from equerry.source_maps.position import INSTALL, Answer, Original, Outcome, Question

IDLE_SECONDS = 60.0
# A script and its map together; parsed, they take about four times as much (measured: 16 → 60 MB).
READ_MAX_BYTES = 96 * 1024 * 1024
HELD_BYTES = 32 * 1024 * 1024
MEMORY_BYTES = 2 * 1024 * 1024 * 1024
# The library descends once per level of the script; minifiers join long chains of operators.
STACK_BYTES = 256 * 1024 * 1024
CONTEXT_LINES = 5
LINE_CHARS = 240
NAME_CHARS = 256
SOURCE_CHARS = 1_024
DETAIL_CHARS = 200

_INLINE = re.compile(rb"sourceMappingURL=data:application/json[^,]{0,64};base64,([A-Za-z0-9+/=]+)")
# What the library says where no function's scope is known.
_NO_FUNCTION = frozenset({"<unknown>", ""})


class Unreadable(Exception):
    """A map that cannot be read."""

    def __init__(self, outcome: Outcome, detail: str = "") -> None:
        super().__init__(detail)
        self.outcome = outcome


class Caches:
    """Parsed maps, the last used ones, as many as HELD_BYTES of their files allow."""

    def __init__(self, library: Any) -> None:  # noqa: ANN401 - symbolic's module, an extra
        self._library = library
        self._held: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()

    def get(self, script: str, source_map: str) -> Any:  # noqa: ANN401 - symbolic's SourceMapCache
        """Return the parsed map. Raises Unreadable."""
        key = script, source_map
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key][0]
        if self._library is None:
            raise Unreadable(Outcome.NO_LIBRARY, INSTALL)
        scripted, mapped = _bytes(script, source_map)
        room = HELD_BYTES - len(scripted) - len(mapped)
        while self._held and sum(size for _, size in self._held.values()) > room:
            self._held.popitem(last=False)
        try:
            parsed = self._library.SourceMapCache.from_bytes(scripted, mapped)
        except Exception as error:
            raise Unreadable(Outcome.DAMAGED, str(error)) from error
        self._held[key] = parsed, len(scripted) + len(mapped)
        return parsed


def answer(caches: Caches, question: Question) -> Answer:
    """Return what the map says of each position."""
    try:
        parsed = caches.get(question.script, question.source_map)
        return Answer(
            Outcome.RESOLVED,
            tuple(_original(parsed, line, column) for line, column in question.positions),
        )
    except Unreadable as error:
        return Answer(error.outcome, detail=str(error)[:DETAIL_CHARS])
    except OSError as error:
        return Answer(Outcome.GONE, detail=error.strerror or "")
    except Exception as error:  # noqa: BLE001, the library's own: a damaged map is an outcome
        return Answer(Outcome.DAMAGED, detail=str(error)[:DETAIL_CHARS])


def _bytes(script: str, source_map: str) -> tuple[bytes, bytes]:
    size = sum(Path(path).stat().st_size for path in (script, source_map) if path)
    if size > READ_MAX_BYTES:
        raise Unreadable(Outcome.TOO_LARGE, f"{size:,} bytes; {READ_MAX_BYTES:,} are read")
    scripted = _read(script) if script else b""
    return scripted, _read(source_map) if source_map else _inline(scripted)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _inline(script: bytes) -> bytes:
    """Return the map that a script holds as a data URL."""
    at = script.rfind(MAPPING_MARK)
    found = _INLINE.match(script, at) if at >= 0 else None
    if not found:
        raise Unreadable(Outcome.NO_MAP_NAMED)
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise Unreadable(Outcome.DAMAGED, str(error)) from error


def _original(parsed: Any, line: int, column: int) -> Original | None:  # noqa: ANN401
    token = parsed.lookup(line, column, CONTEXT_LINES)
    if token is None or not token.src:
        return None
    function = token.function_name or ""
    return Original(
        source=token.src[:SOURCE_CHARS],
        line=token.line,
        column=token.col,
        function="" if function in _NO_FUNCTION else function[:NAME_CHARS],
        context_line=cut(token.context_line or "", token.col),
        pre_context=tuple(cut(each) for each in token.pre_context),
        post_context=tuple(cut(each) for each in token.post_context),
    )


def cut(line: str, column: int = 0) -> str:
    """Return a source line without its end, and of a long one the part around the column."""
    line = line.rstrip("\r\n")
    start = max(0, min(column - LINE_CHARS // 2, len(line) - LINE_CHARS))
    return line[start : start + LINE_CHARS]


def context(
    lines: Sequence[str], line: int, column: int
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return a file's line (from 1) with those before and after it; empty beyond its end."""
    at = line - 1
    if not 0 <= at < len(lines):
        return "", (), ()
    before, after = lines[max(0, at - CONTEXT_LINES) : at], lines[at + 1 : at + 1 + CONTEXT_LINES]
    return cut(lines[at], column), tuple(map(cut, before)), tuple(map(cut, after))


def _library() -> Any:  # noqa: ANN401 - a module
    """Import the library, which is an extra, and heavy; None without it."""
    try:
        return importlib.import_module("symbolic.sourcemapcache")
    except ImportError:
        return None


def serve() -> None:
    """Answer until nothing is asked for IDLE_SECONDS or the input ends."""
    caches = Caches(_library())
    decoder = msgspec.json.Decoder(Question)
    while select.select([sys.stdin.buffer], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        question = decoder.decode(line)
        said = answer(caches, question)
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    """Serve within MEMORY_BYTES, on a stack that is deep enough for a minifier's chains."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=serve, name="reader")
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
