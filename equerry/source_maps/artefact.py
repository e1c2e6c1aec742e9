"""A file that a build left: what it is, what it is called, and what it says of itself."""

import enum
import re
from collections.abc import Callable
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import msgspec

URL_CHARS = 2_048
# Where a build notes the map and the debug id: in the last lines, which may be long data URLs' too.
TAIL_BYTES = 4_096
MAPPING_MARK = b"sourceMappingURL="

_DEBUG_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?:-[0-9a-f]{1,8})?")
_MAPPING = re.compile(rb"(?m)^[ \t]*(?://|/\*)[#@][ \t]*sourceMappingURL=([^\s'\"*]{1,2048})")
_NOTED_ID = re.compile(rb"(?m)^[ \t]*//#[ \t]*(?:sentryD|d)ebugId=([0-9a-fA-F-]{32,45})")
_MAP_ID = re.compile(rb'"(?:debug_id|debugId)"\s*:\s*"([0-9a-fA-F-]{32,45})"')
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)


class Kind(enum.StrEnum):
    """What a file is to a stack: the file that runs, its map, or a file that was written."""

    MINIFIED = "minified_source"
    MAP = "source_map"
    SOURCE = "source"


class Artefact(msgspec.Struct, frozen=True):
    """A kept file. url: as it was uploaded. mapped_by: the map's URL as the upload named it.

    digest: SHA-256 of its bytes, in hex. debug_id: empty where it has none.
    """

    url: str
    kind: Kind
    digest: str
    size_bytes: int
    debug_id: str = ""
    mapped_by: str = ""


class Incoming(msgspec.Struct, frozen=True):
    """A file to keep; `open` gives its bytes, which may be more than it claims."""

    url: str
    kind: Kind
    open: Callable[[], BinaryIO]
    debug_id: str = ""
    mapped_by: str = ""


def debug_id(text: str) -> str:
    """Return a debug id in its one form, lower case with hyphens; "" for what is none."""
    given = text.strip().lower()
    if len(given) == 32 and given.isalnum():  # noqa: PLR2004, a UUID's hex digits
        given = f"{given[:8]}-{given[8:12]}-{given[12:16]}-{given[16:20]}-{given[20:]}"
    return given if _DEBUG_ID.fullmatch(given) else ""


def noted_debug_id(tail: bytes) -> str:
    """Return the debug id that the end of a minified file notes, the last one; "" without."""
    found = _NOTED_ID.findall(tail)
    return debug_id(found[-1].decode("ascii")) if found else ""


def map_debug_id(part: bytes) -> str:
    """Return the debug id in a part of a source map; "" without."""
    found = _MAP_ID.search(part)
    return debug_id(found[1].decode("ascii")) if found else ""


def noted_map(tail: bytes) -> str:
    """Return the sourceMappingURL that the end of a minified file notes, the last one; ""."""
    found = _MAPPING.findall(tail)
    return found[-1].decode("utf-8", "replace") if found else ""


def names(url: str) -> tuple[str, ...]:
    """Return what a file of this URL may have been uploaded as, the most exact first.

    `~/` stands for any origin, as in Sentry. A path of a server's file is taken for a URL's path.
    """
    plain = url[:URL_CHARS].partition("#")[0]
    bare = plain.partition("?")[0]
    exact = tuple(dict.fromkeys((plain, bare)))
    return tuple(dict.fromkeys((*exact, *(wild(each) for each in exact))))


def wild(url: str) -> str:
    """Return the URL with `~` in the place of its origin: `https://a.org/x.js` → `~/x.js`."""
    if url.startswith("~/"):
        return url
    return "~/" + _ORIGIN.sub("", url, count=1).lstrip("/")


def beside(url: str, other: str) -> str:
    """Return the URL of what a file at `url` names as `other`."""
    if url.startswith("~/"):
        joined = urljoin("http://x/" + url[2:], other)
        return "~/" + joined[9:] if joined.startswith("http://x/") else joined
    try:
        scheme = urlsplit(url).scheme
        if scheme in {"", "http", "https"}:
            return urljoin(url, other)
        return scheme + urljoin("http" + url[len(scheme) :], other).removeprefix("http")
    except ValueError:  # brackets that are no address
        return other
