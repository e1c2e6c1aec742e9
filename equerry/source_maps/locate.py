"""Which files answer for a minified file: by its debug id, or by release and URL."""

import sqlite3

import msgspec

from equerry.source_maps import index
from equerry.source_maps.artefact import Artefact, Kind, beside, debug_id, names
from equerry.source_maps.position import Outcome


class Wanted(msgspec.Struct, frozen=True, gc=False):
    """A minified file as an event names it."""

    url: str
    debug_id: str
    release: str
    dist: str


class Located(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found. outcome: RESOLVED where a map was found, else what was missing.

    script, source_map: digests, of which either may be empty: a script may hold its map itself.
    looked_for: names as they were looked up, in that order.
    """

    outcome: Outcome
    script: str = ""
    source_map: str = ""
    map_url: str = ""
    looked_for: tuple[str, ...] = ()
    detail: str = ""


def locate(connection: sqlite3.Connection, wanted: Wanted) -> Located:
    """Return the script and the map. Raises sqlite3.Error."""
    given_id = debug_id(wanted.debug_id)
    if given_id:
        both = index.by_debug_id(connection, given_id)
        script, source_map = both.get(Kind.MINIFIED), both.get(Kind.MAP)
        if source_map:
            return _found(script, source_map, (given_id,))
        if script and script.mapped_by == "data:":
            return _inline(script, (given_id,))
    by_release = _by_release(connection, wanted)
    if given_id and by_release.outcome is not Outcome.RESOLVED:
        looked_for = (given_id, *by_release.looked_for)
        return Located(Outcome.UNKNOWN_DEBUG_ID, looked_for=looked_for)
    return by_release


def _by_release(connection: sqlite3.Connection, wanted: Wanted) -> Located:
    if not wanted.release:
        return Located(Outcome.NO_RELEASE)
    if not index.has_release(connection, wanted.release):
        return Located(Outcome.NOTHING_FOR_RELEASE)
    urls = names(wanted.url)
    script = _named(connection, wanted, urls)
    if script is None or script.kind is not Kind.MINIFIED:
        # A map may be uploaded without its script; nearly every build names it after it.
        maps = tuple(f"{url}.map" for url in urls if "?" not in url)
        source_map = _named(connection, wanted, maps)
        if source_map and source_map.kind is Kind.MAP:
            return _found(None, source_map, (*urls, *maps))
        return Located(Outcome.NO_SUCH_FILE, looked_for=(*urls, *maps))
    return _mapped(connection, wanted, script)


def _mapped(connection: sqlite3.Connection, wanted: Wanted, script: Artefact) -> Located:
    """Find the map of a script that was found by its URL."""
    if script.mapped_by == "data:":
        return _inline(script, (script.url,))
    looked_for: tuple[str, ...] = (script.url,)
    if script.mapped_by:
        map_names = names(beside(script.url, script.mapped_by))
        looked_for += map_names
        source_map = _named(connection, wanted, map_names)
        if source_map and source_map.kind is Kind.MAP:
            return _found(script, source_map, looked_for)
    if script.debug_id:
        source_map = index.by_debug_id(connection, script.debug_id).get(Kind.MAP)
        if source_map:
            return _found(script, source_map, (*looked_for, script.debug_id))
    missing = Outcome.NO_SUCH_MAP if script.mapped_by else Outcome.NO_MAP_NAMED
    return Located(missing, script.digest, looked_for=looked_for)


def _named(
    connection: sqlite3.Connection, wanted: Wanted, urls: tuple[str, ...]
) -> Artefact | None:
    return index.by_url(connection, wanted.release, wanted.dist, urls)


def _found(script: Artefact | None, source_map: Artefact, looked_for: tuple[str, ...]) -> Located:
    return Located(
        Outcome.RESOLVED,
        script.digest if script else "",
        source_map.digest,
        source_map.url,
        looked_for,
    )


def _inline(script: Artefact, looked_for: tuple[str, ...]) -> Located:
    return Located(Outcome.RESOLVED, script.digest, "", script.url, looked_for)
