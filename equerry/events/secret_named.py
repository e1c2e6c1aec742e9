"""Secrets in a text that a name introduces: `password=…`, `<token>…</token>`, `--secret …`.

Each rule is a pattern, what is put in place of a match, and a hint (see secret_values).
"""

from equerry.events.linear import Match, linear
from equerry.events.secret_names import STEM, secret_name

FILTERED = b"[Filtered]"

_QUOTED = r"""(?s:"(?:[^"\\]|\\.)*(?:"|\\?\z)|'(?:[^'\\]|\\.)*(?:'|\\?\z))"""
_CLOSED = r"(?:[\\\"'\]]|%2[27]|%5[cCdD])*"
# The last form is of a pair in JSON in a text: `"name":"password","value":`.
_JOIN = (
    rf"(?:{_CLOSED} *(?:=>|[=:]|%3[aAdD])"
    r"|[\\\"']+ *, *[\\\"']+(?i:value)[\\\"']+ *:)"
)
_TAIL = r"[A-Za-z0-9_\[\]-]*"
_NAMED = linear(rf"(?:%[0-9A-Fa-f]{{2}})?([A-Za-z0-9_.\[\]$-]*{STEM}{_TAIL})({_JOIN}) *")
_VALUE = linear(
    rf"(?i:digest) [^\r\n]+|(?:(?i:bearer|basic|token|negotiate) +)?"
    rf"(?:{_QUOTED}|%22(?:%5[cC]%22|[^%\s&\"']|%(?:[^2]|2[^2]))*(?:%22)?"
    rf"|\[[^\[\]]*\][^\s&\"']*|\{{[^{{}}]*\}}[^\s&\"']*|[^\s&\"']+)"
)
_LINE = linear(rf"{_QUOTED}|[^\r\n\"]+")
_ESCAPED_QUOTE = linear(r'(\\+)"')
_PHRASE = linear(r"(?i)passphrase|password|passwd")
_MORE_WORDS = linear(r"(?:[ \t]+[^\s,;&\"'()\[\]{}<>|]+)+")
# What forms say of a field: `password: must be longer`, `token: invalid`.
_VERDICT = linear(
    r"(?i: (?:must|should|cannot|is|are|has|may|not|too|required|missing|invalid|incorrect|wrong"
    r"|expired|undefined|null|none|true|false)(?:[\s,.;:!)\]}]|\z))"
)
# `pass: 3, fail: 1` counts tests.
_COUNT = linear(r"(?i)(?:[0-9.,;%)/]+|true|false|null|none)\z")


def hide_named(text: bytes) -> bytes:
    """Hide what follows a secret name: `password=…`, `"token": "…"`, `Authorization: Bearer …`.

    The value ends at a space, `&` or a quote; a Cookie header's ends with its line, and so does a
    `password: …` of several words, unless a comma or a bracket ends it before.
    """
    kept: list[bytes] = []
    position = done = 0
    while found := _NAMED.search(text, position):
        position = found.end()
        name = found.group(1)
        if not secret_name(name):
            continue
        end = _value_end(text, position, name.lower(), found.group(2))
        if end == position:
            continue
        kept += (text[done:position], _filtered(text[position:end]))
        position = done = end
    return b"".join((*kept, text[done:])) if done else text


def _value_end(text: bytes, start: int, name: bytes, join: bytes) -> int:
    """Return where the value ends that begins at start; start itself where nothing is hidden."""
    said = join.endswith(b":") and _VERDICT.match(text, start - 1)
    if said or text.startswith(FILTERED + b",", start):
        return start
    if escaped := _ESCAPED_QUOTE.match(text, start):
        return _escaped_end(text, escaped.end(), len(escaped.group(1)))
    value = (_LINE if b"cookie" in name else _VALUE).match(text, start)
    if value is None or (name == b"pass" and _COUNT.match(value.group(0))):
        return start
    end = value.end()
    spoken = join == b":" or b"passphrase" in name
    if spoken and _PHRASE.search(name) and not value.group(0).endswith((b",", b";", b'"', b"'")):
        more = _MORE_WORDS.match(text, end)
        return more.end() if more else end
    return end


def _escaped_end(text: bytes, start: int, depth: int) -> int:
    """Return the end of a text in JSON in a text: a quote within has more backslashes."""
    while (quote := text.find(b'"', start)) >= 0:
        before = quote
        while before > start and text[before - 1] == ord("\\"):
            before -= 1
        if quote - before <= depth:
            return quote + 1
        start = quote + 1
    return len(text)


def _filtered(value: bytes) -> bytes:
    opened = value[: len(value) - len(value.lstrip(b"\\"))]
    for quote in (opened + b'"', b"'", b"%22"):
        if value.startswith(quote):
            return quote + FILTERED + quote
    return FILTERED


def _element(match: Match) -> bytes:
    start, name, end = match.group(1), match.group(2), match.group(3)
    inside = name.rpartition(b":")[2]
    if match.group(4) != name or not secret_name(inside):
        return match.group(0)
    return start + FILTERED + end + name


def _second_if_named(match: Match) -> bytes:
    """Hide what follows group 1 where group 2, the name in it, is a secret one."""
    secret = secret_name(match.group(2).strip(b"-"))
    return match.group(1) + FILTERED if secret else match.group(0)


def _part(match: Match) -> bytes:
    hidden = _second_if_named(match)
    return hidden if hidden == match.group(0) else hidden + (match.group(3) or b"")


def _first_kept(match: Match) -> bytes:
    return match.group(1) + FILTERED


_NAME = rf"[A-Za-z0-9_:.\[\]$-]*{STEM}[A-Za-z0-9_:.\[\]$-]*"
_BREAK = r"(?:\r?\n|(?:\\+r)?\\+n)"

NAMED_HINT = STEM + _TAIL + _JOIN
NAMED_RULES = (
    (
        "element",
        rf"(<({_NAME})(?:\s[^<>]*)?>)(?:<!\[CDATA\[[^<>]*\]\]>|[^<>]+)(<\\*/)([A-Za-z0-9_:.-]+)",
        _element,
        rf"<{_NAME}",
    ),
    (
        "part",
        rf'(?s:((?:;| )name=\\*"({_NAME})\\*".*?{_BREAK}{_BREAK}).*?(?:({_BREAK}--)|\z))',
        _part,
        rf'name=\\*"{_NAME}',
    ),
    (
        "option",
        rf"(--?({_NAME})[ \t]+)(?:{_QUOTED}|[^\s\"'-][^\s\"']*)",
        _second_if_named,
        rf"-{_NAME}(?: |\\t|\t)",
    ),
    (
        "pair",  # as Python shows what a form or a list of headers holds
        rf"(\(b?\\*[\"']({_NAME})\\*[\"'], *)b?{_QUOTED}",
        _second_if_named,
        rf"\(b?\\*[\"']{_NAME}",
    ),
    (
        "curl-user",
        (
            r"(\bcurl\s(?:[^\r\n]*?\s)?(?:-u|--user|--proxy-user)[ =]*['\"]?[^\s:\"'/]+:)"
            r"[^\s\"'/][^\s\"']*"
        ),
        _first_kept,
        r"curl[ \\\t]",
    ),
    (
        "attribute",
        rf"(name=\\*[\"']({_NAME})\\*[\"'][^<>]*?\s(?:value|content)=\\*[\"'])[^\"'<>\\]+",
        _second_if_named,
        rf"name=\\*[\"']{_NAME}",
    ),
    (
        "query",
        r"((?:[?&#]|&amp;|\\u0026|%3[fF]|%26)(?i:key|code|sig)(?:=|%3[dD]))[^&\s\"'#\\<>]+",
        _first_kept,
        r"(?i:key|code|sig)(?:=|%3d)",
    ),
)
"""Name, pattern, what is put in its place, hint."""
