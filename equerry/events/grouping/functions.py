"""Names of functions as they outlive a build."""

# What engines and languages call what has no name.
_NAMELESS = frozenset(
    {
        "",
        "?",
        "<anonymous>",
        "anonymous",
        "<computed>",
        "<unknown>",
        "eval",
        "eval code",
        "global code",
        "module code",
        "<module>",
        "<lambda>",
        "<listcomp>",
        "<genexpr>",
        "<dictcomp>",
    }
)
SHORT = 3
# Words of that length which a minifier writes as rarely as people write them often.
_VOWELS = frozenset("aeiou")
_METHODS = frozenset({"GET", "PUT"})


def plain(name: str) -> str:
    """Return the last segment: `async Object.save [as onClick]` → `save`; "" for nameless ones."""
    if name in _NAMELESS:
        return ""
    name, _, alias = name.partition(" [as ")
    # Firefox calls `pay/<` what V8 calls anonymous.
    last = "" if name.endswith("<") else name.rpartition(" ")[2].rpartition("/")[2]
    last = last.rpartition(".")[2].partition("$")[0] or last
    alias = alias.removesuffix("]")
    if last in _NAMELESS or last.isdecimal() or (alias and is_minified(last)):
        last = alias
    return "" if last in _NAMELESS or last.isdecimal() else last


def is_minified(name: str) -> bool:
    """Whether a minifier would have made this name, to make another with the next build."""
    if len(name) != SHORT:
        return len(name) < SHORT
    is_word = name.islower() and name.isalpha() and not _VOWELS.isdisjoint(name)
    return not is_word and name not in _METHODS
