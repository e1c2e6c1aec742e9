"""Writes debug ids into a build: a script tells its own while it runs, and its map bears the same.

One line goes before the script, by which Sentry's SDKs learn the ids of what is loaded, and a
comment behind it; the map is moved by that line. Limits: integrity hashes that the build wrote down
before no longer fit. A kill between the two files is finished by the next run.
"""

import hashlib
import secrets
import uuid
from pathlib import Path
from typing import Any

import msgspec

from equerry.source_maps import artefact
from equerry.source_maps.folder import LeftOut, edges, files, map_of, tail

_LINE = (
    "!function(){{try{{var g=typeof window!='undefined'?window:typeof global!='undefined'?global:"
    "globalThis,s=(new g.Error).stack;s&&((g._sentryDebugIds=g._sentryDebugIds||{{}})[s]="
    '"{debug_id}")}}catch(e){{}}}}();\n'
)
_STRICT = ('"use strict"', "'use strict'")


class Injected(msgspec.Struct, frozen=True):
    """A script that tells its debug id now. was_there: it did before."""

    path: Path
    debug_id: str
    was_there: bool


def inject(folder: Path) -> tuple[list[Injected], list[LeftOut]]:
    """Give every script of the folder that has a map a debug id. Raises OSError."""
    done: list[Injected] = []
    left_out: list[LeftOut] = []
    for script in files(folder):
        if script.suffix == ".map":
            continue
        _, source_map = map_of(folder, script)
        if source_map is None or source_map == script:
            left_out.append(LeftOut(script, "it has no map in a file of its own"))
            continue
        try:
            done.append(_pair(script, source_map))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            left_out.append(LeftOut(script, f"it or its map cannot be read: {error}"))
    return done, left_out


def _pair(script: Path, source_map: Path) -> Injected:
    noted = artefact.noted_debug_id(tail(script))
    mapped = artefact.map_debug_id(edges(source_map))
    if noted and mapped:
        return Injected(script, noted, was_there=True)
    text, fields = script.read_bytes().decode(), _fields(source_map)
    if noted:
        if _LINE.format(debug_id=noted) in text:  # of a run that was killed before the map
            _write(source_map, _moved(fields, noted, _hashbang_lines(text)))
        return Injected(script, noted, was_there=_LINE.format(debug_id=noted) not in text)
    digest = hashlib.sha256(text.encode() + source_map.read_bytes()).hexdigest()
    debug_id = mapped or str(uuid.uuid5(uuid.NAMESPACE_OID, digest))
    moved = _moved(fields, debug_id, _hashbang_lines(text))
    _write(script, _told(text, debug_id).encode())
    _write(source_map, moved)
    return Injected(script, debug_id, was_there=False)


def _told(text: str, debug_id: str) -> str:
    """Return the script with the line before it, and behind its hashbang where it has one."""
    head, body = "", text
    if _hashbang_lines(text):
        head, newline, body = text.partition("\n")
        head += newline
    # A directive counts only where it stands first.
    strict = '"use strict";' if body.lstrip().startswith(_STRICT) else ""
    line = strict + _LINE.format(debug_id=debug_id)
    return f"{head}{line}{body.rstrip(chr(10))}\n//# debugId={debug_id}\n"


def _hashbang_lines(text: str) -> int:
    return int(text.startswith("#!"))


def _fields(source_map: Path) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(source_map.read_bytes(), type=dict[str, msgspec.Raw])


def _moved(fields: dict[str, msgspec.Raw], debug_id: str, at_line: int) -> bytes:
    """Return the map with one more line before what stands at this line (0 or 1)."""
    made: dict[str, Any] = dict(fields)
    if "mappings" in fields:
        lines = msgspec.json.decode(fields["mappings"], type=str).split(";", at_line)
        made["mappings"] = ";".join([*lines[:at_line], "", *lines[at_line:]])
    if "sections" in fields:
        sections = msgspec.json.decode(fields["sections"], type=list[dict[str, msgspec.Raw]])
        made["sections"] = [_moved_section(section) for section in sections]
    return msgspec.json.encode(made | {"debug_id": debug_id, "debugId": debug_id})


def _moved_section(section: dict[str, msgspec.Raw]) -> dict[str, Any]:
    offset = msgspec.json.decode(section["offset"], type=dict[str, int])
    return section | {"offset": offset | {"line": offset.get("line", 0) + 1}}


def _write(path: Path, data: bytes) -> None:
    """Put the bytes in the file's place, whole, with the rights that it had."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(data)
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
