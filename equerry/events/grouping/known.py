"""Errors that are one issue wherever they come up: what they say is all there is to know."""

import functools

from equerry.events.linear import linear, which
from equerry.events.report import ErrorFacts

_READ = 1_000

_CHUNK_ERROR = "ChunkLoadError"
CHUNK = "code of the site that did not load"
_CHUNKS = (
    r"^(?:Loading (?:CSS )?chunk |Failed to load chunk |Failed to fetch dynamically imported module"
    r"|error loading dynamically imported module|Importing a module script failed"
    r"|Unable to preload CSS for |'?text/html'? is not a valid JavaScript MIME type)"
)
_REACT = r"Minified React error #([0-9]{1,5})"

# What React says where it is not minified → its number. Hydration only: other numbers' texts carry
# names of components, which tell more than the number.
_HYDRATION = (
    (r"Hydration failed because ", "418"),
    (r"^(?:The server could not finish this Suspense boundary)", "419"),
    (r"^This Suspense boundary received an update before it finished hydrating", "421"),
    (r"^There was an error while hydrating this Suspense boundary", "422"),
    (r"^There was an error while hydrating(?:\.| but )", "423"),
    (r"Text content (?:does|did) not match(?: server-rendered HTML)?", "425"),
    (r"^(?:Warning: )?(?:Expected server HTML to contain|Prop `[^`]{0,80}` did not match)", "418"),
    (r"^A tree hydrated but some attributes", "418"),
)
_NEXT = (
    r"\b(NEXT_REDIRECT|NEXT_NOT_FOUND|NEXT_HTTP_ERROR_FALLBACK;[0-9]{3}"
    r"|BAILOUT_TO_CLIENT_SIDE_RENDERING)\b"
)
# Asked in one pass; most messages are none of them. The first that is found says what it is.
_which = which([_CHUNKS, _REACT, *(pattern for pattern, _ in _HYDRATION), _NEXT])
_REACT_NUMBER = linear(_REACT)
_NEXT_SIGNAL = linear(_NEXT)

_SERVER_COMPONENT = "An error occurred in the Server Components render"
_DIGEST = "digest"


def parts(report: ErrorFacts) -> tuple[str, ...]:
    """Return what such an error is known by; () for any other.

    A server component's error says nothing in production but a digest, which is the same for the
    same error of one build; without it, the route is all that is left.
    """
    if report.message.startswith(_SERVER_COMPONENT):
        digest = report.tags.get(_DIGEST, "")
        return ("server component", digest or report.transaction or _route(report.url))
    found = _kind(report.name[:_READ], report.message[:_READ])
    if not found and _DIGEST in report.tags:
        found = _kind("", report.tags[_DIGEST][:_READ])
    return found


@functools.lru_cache(maxsize=1024)
def _kind(name: str, message: str) -> tuple[str, ...]:
    text = message.encode("utf-8", "replace")
    found = _which(text)
    if name == _CHUNK_ERROR or 0 in found:
        return ("chunk", CHUNK)
    react = _REACT_NUMBER.search(text) if 1 in found else None
    if react:
        return ("react", react.group(1).decode())
    for number in sorted(found):
        if 1 < number < len(_HYDRATION) + 2:
            return ("react", _HYDRATION[number - 2][1])
    signal = _NEXT_SIGNAL.search(text) if found else None
    return ("next", signal.group(1).decode()) if signal else ()


def _route(url: str) -> str:
    """Return the path of a URL, numbers as `_`."""
    path = "/" + url[:_READ].partition("://")[2].partition("/")[2]
    path = path.partition("?")[0].partition("#")[0]
    return "/".join("_" if any(map(str.isdigit, part)) else part for part in path.split("/"))
