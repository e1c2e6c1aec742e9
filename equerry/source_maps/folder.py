"""Reads a build's folder: scripts, their maps, and which of them belong together."""

import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from equerry.source_maps import artefact
from equerry.source_maps.artefact import TAIL_BYTES, Incoming, Kind
from equerry.source_maps.bundle import MAX_FILES

SCRIPTS = frozenset({".js", ".mjs", ".cjs"})
MAPS = frozenset({".map"})
# A map's debug id stands in its first or last bytes: it is looked for without parsing the map.
EDGE_BYTES = 65_536


class LeftOut(msgspec.Struct, frozen=True):
    """A file that is not uploaded, and why."""

    path: Path
    why: str


def files(folder: Path) -> Iterator[Path]:
    """Yield scripts and maps below the folder, sorted; links are not followed."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "node_modules")
        for name in sorted(names):
            path = Path(parent) / name
            if path.suffix in SCRIPTS | MAPS and path.is_file() and not path.is_symlink():
                yield path


def read(folder: Path, prefix: str) -> tuple[list[Incoming], list[LeftOut]]:
    """Return what to keep and what is left out.

    prefix: what the folder is in a browser's URL, e.g. `~/` or `~/static/`. A script without a map
    is left out; a script whose map has a debug id gets it, and the other way round.
    """
    every = list(files(folder))
    left_out = [LeftOut(path, f"beyond {MAX_FILES:,} files") for path in every[MAX_FILES:]]
    kept: list[Incoming] = []
    paired: set[Path] = set()
    for script in (path for path in every[:MAX_FILES] if path.suffix in SCRIPTS):
        named, source_map = map_of(folder, script)
        if not named:
            left_out.append(LeftOut(script, "it names no source map (sourceMappingURL)"))
        elif source_map is None:
            left_out.append(LeftOut(script, f"its source map is not here: {named[:120]}"))
        else:
            kept += _pair(folder, prefix, script, source_map)
            paired.add(source_map)
    left_out += [
        LeftOut(path, "no script names it")
        for path in every[:MAX_FILES]
        if path.suffix in MAPS and path not in paired
    ]
    return kept, left_out


def url(folder: Path, prefix: str, path: Path) -> str:
    """Return the URL that a file of the folder has behind the prefix."""
    return prefix.rstrip("/") + "/" + path.relative_to(folder).as_posix()


def map_of(folder: Path, script: Path) -> tuple[str, Path | None]:
    """Return what the script names as its map, and that file; an inline map is the script's own."""
    named = artefact.noted_map(tail(script))
    if named.startswith("data:"):
        return named, script
    beside = script.with_name(script.name + ".map")
    name = named.partition("?")[0].rpartition("/")[2]
    for candidate in (script.parent / named.partition("?")[0], script.parent / name, beside):
        resolved = Path(os.path.normpath(candidate))
        if resolved.is_relative_to(folder) and resolved.is_file() and not resolved.is_symlink():
            return named or resolved.name, resolved
    return named, None


def _pair(folder: Path, prefix: str, script: Path, source_map: Path) -> Iterator[Incoming]:
    debug_id = artefact.noted_debug_id(tail(script))
    if source_map == script:
        own = url(folder, prefix, script)
        yield Incoming(own, Kind.MINIFIED, _opener(script), debug_id, "")
        return
    debug_id = debug_id or artefact.map_debug_id(edges(source_map))
    map_url = url(folder, prefix, source_map)
    script_url = url(folder, prefix, script)
    mapped_by = Path(os.path.relpath(source_map, script.parent)).as_posix()
    yield Incoming(script_url, Kind.MINIFIED, _opener(script), debug_id, mapped_by)
    yield Incoming(map_url, Kind.MAP, _opener(source_map), debug_id)


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def tail(path: Path) -> bytes:
    """Return the end of a script, or from where it names its map: an inline map may be long."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        if artefact.MAPPING_MARK in tail or not size:
            return tail
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            at = whole.rfind(artefact.MAPPING_MARK)
            return whole[max(0, at - 4) : at + TAIL_BYTES] if at >= 0 else tail


def edges(path: Path) -> bytes:
    """Return the first and the last bytes of a map: a debug id stands there."""
    with path.open("rb") as file:
        head = file.read(EDGE_BYTES)
        file.seek(max(len(head), file.seek(0, os.SEEK_END) - EDGE_BYTES))
        return head + file.read()
