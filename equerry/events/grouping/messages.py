"""Messages without what varies from visitor to visitor, and alike whichever engine wrote them."""

import functools

from equerry.events.linear import Match, linear

# The first two lines say what happened; what follows is often a dump.
_LINES = 2
_CHARS = 1_000

# Kept as they are: statuses and codes tell errors apart.
_KEPT = r"(\b(?:status(?: code)?|http|https? error|code|errno|error)[ :=#]{0,3}[1-9][0-9]{0,4}\b)"
_VARIABLE = linear(
    r"(?i)" + _KEPT + r"|[a-z][a-z0-9+.-]*:/{1,3}[^\s\"'<>)]+"
    r"|[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?(?:[0-9]{1,2} )?"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* [0-9]{1,4}"
    r"(?:,? [0-9]{4})?(?:[ t][0-9:.]+(?: ?[ap]m)?(?: gmt[+-]?[0-9]*)?(?: \([^()]{1,40}\))?)?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[t ][0-9:.,]+(?:z|[+-][0-9:]+)?)?"
    r"|\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}\b"
    r"|\b(?:0x[0-9a-f]+|[0-9a-f]{6,}[0-9][0-9a-f]*|[0-9a-f]*[0-9][0-9a-f]{6,})\b"
    r"|/tmp/[^\s\"']+"
    # Quoted words are names of columns and modules; quoted texts and ids are visitors'.
    r"|'[^'\s]*[0-9][^'\s]*'|\"[a-z0-9_$./-]*[0-9 ][^\"]*\"|\"[^\"a-z_$./-][^\"]*\""
    r"|\"[a-z_$./-]+[^\"a-z_$./-][^\"]*\"|'[^']'|\"[^\"]?\""
    r"|\b[a-z_-]*[0-9][a-z0-9_-]{11,}\b"
    r"|[+-]?\b[0-9]+(?:[.,:][0-9]+)*(?:e[+-]?[0-9]+)?|[0-9]+"
)
_AGAIN = linear(r"<>(?:[ ,;]{1,3}<>)+")

# (what Chrome, Firefox or Safari says, what we say): one mistake is one issue in every browser, and
# the variable in it is a minifier's. {0} is the property or the name.
_PATH = r".{0,200}?\.?([\w$#-]+)"
_ENGINES = (
    (r"^Cannot read propert(?:y|ies) (?:'([\w$#-]*)' )?of (undefined|null)", "access"),
    (r"^can't access property \"?([\w$#-]+)\"?, .{0,200} is (undefined|null)", "access"),
    (
        r"^(undefined|null) is not an object \(evaluating '" + _PATH + r"(?:\(.{0,200})?'\)",
        "swapped",
    ),
    (
        r"^(?:.{0,200}[.)\]\s])?([\w$#-]+) is not a (function|constructor|function or its .{0,40})",
        "call",
    ),
    (r"^(?:Can't find variable: )([\w$]+)()$", "name"),
    (r"^([\w$]+) is not defined()$", "name"),
    (r"^Unexpected token .{1,300} (?:is not valid )?()(?:in )?JSON()", "json"),
    (r"^JSON\.parse: ()unexpected .{0,100}()$", "json"),
    (r"^JSON Parse error: ()()", "json"),
    (r"^Unexpected (?:end of JSON input|non-whitespace character after JSON)()()", "json"),
    (
        r"^(?:Failed to fetch|NetworkError when attempting to fetch resource\.|Load failed)()()$",
        "fetch",
    ),
    (r"^(?:Maximum call stack size exceeded|too much recursion)()()", "overflow"),
)
_SAID = tuple((linear(pattern), kind) for pattern, kind in _ENGINES)
_READING = linear(r"\(reading '([^']{1,100})'\)")
_MINIFIED = 2


@functools.lru_cache(maxsize=1024)
def lasting(message: str) -> str:
    """Return the first lines with everything that varies as `<>`."""
    text = message[:_CHARS]
    lines = [line for line in text.split("\n") if line.strip()][:_LINES]
    raw = "\n".join(lines).encode("utf-8", "replace")
    said = _engines(raw)
    if said:
        return said
    return _AGAIN.sub(b"<>", _VARIABLE.sub(_kept, raw)).decode("utf-8", "replace")


def _kept(match: Match) -> bytes:
    return match.group(1) or b"<>"


def _engines(raw: bytes) -> str:
    """Return one text for what each browser says its own way; "" for any other message."""
    for pattern, kind in _SAID:
        match = pattern.search(raw)
        if match is None:
            continue
        return _canonical(kind, _text(match, 1), _text(match, 2), raw)
    return ""


def _canonical(kind: str, first: str, second: str, raw: bytes) -> str:
    match kind:
        case "access":
            reading = _READING.search(raw)
            return f"{second} has no property {_name(_text(reading, 1) if reading else first)}"
        case "swapped":
            return f"{first} has no property {_name(second)}"
        case "call":
            return f"{_name(first)} is not a {second.partition(' ')[0]}"
        case "name":
            return f"{_name(first)} is not defined"
        case _:
            return kind


def _text(match: Match, group: int) -> str:
    return (match.group(group) or b"").decode("utf-8", "replace")


def _name(name: str) -> str:
    """Return a name that lasts: minified ones do not."""
    return name if len(name) > _MINIFIED and not name.isdecimal() else "<>"
