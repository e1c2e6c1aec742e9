"""One frame as grouping sees it: what of it outlives a build, whose it is, and why."""

import enum
import functools

import msgspec

from equerry.events.grouping import files, functions, vendors
from equerry.events.grouping.vendors import Owner
from equerry.events.report import Frame

# In scripts a minifier may have renamed what it found, and SDKs cannot tell packages from a site.
_SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".vue", ".svelte")
_NAME = 200
_PATH = 500


class Why(enum.StrEnum):
    """Why a part of a stack does or does not tell errors apart."""

    TOLD = "tells errors apart"
    VENDOR = "vendor frame"
    SENDER = "not in app, says the sender"
    MINIFIED = "minified name"
    HASHED = "hash removed"
    NAMELESS = "no name"
    RECURSION = "recursion, or calls one"
    NOT_RECURSIVE = "not in the recursion"
    STACK_TOLD = "the stack tells more"
    VARIES = "varies from visitor to visitor"
    KNOWN = "known by itself"


class Call(msgspec.Struct, frozen=True, gc=False):
    """A frame's part. function: "" where its name does not last. note: what was left out of it.

    key: equal for calls of one function in one stack; "" for nameless ones.
    """

    text: str
    function: str
    file: str
    in_app: bool
    is_built: bool
    note: Why
    key: str
    shown: str


def call(frame: Frame) -> Call:
    """Return what grouping sees of a frame."""
    return _call(
        frame.function[:_NAME],
        frame.module[:_NAME],
        frame.filename[:_PATH],
        frame.abs_path[:_PATH],
        frame.in_app,
    )


# Without lines and columns: frames of one function are one entry.
@functools.lru_cache(maxsize=8192)
def _call(function: str, module: str, filename: str, abs_path: str, told: bool | None) -> Call:  # noqa: FBT001, a key of the cache
    place = filename or abs_path
    owner = _owner(place, abs_path, module, function)
    is_script = "://" in place or place.partition("?")[0].endswith(_SCRIPTS)
    name = functions.plain(function)
    if module and not is_script:
        file = files.File(module, is_built=False, had_hash=False)
    else:
        file = files.lasting(place)
    is_minified = is_script and _is_minified(name, is_built=file.is_built)
    in_app = owner is Owner.SITE and told is not False
    if not is_script and told is not None:
        in_app = told
    note = _note(owner, file, in_app=in_app, is_minified=is_minified, is_named=bool(name))
    lasting_name = "" if is_minified else name
    where = file.name if in_app else files.package(place)
    return Call(
        text=f"{where}|{lasting_name}" if where or lasting_name else "",
        function=lasting_name,
        file=where,
        in_app=in_app,
        is_built=file.is_built,
        note=note,
        key=f"{place}|{name}" if name else "",
        shown=f"{name or '<anonymous>'} ({where or place})",
    )


def _is_minified(name: str, *, is_built: bool) -> bool:
    """Whether the name may not last. A map that tells no names leaves the minifier's in sources."""
    if not is_built:
        return 0 < len(name) < functions.SHORT
    return bool(name) and functions.is_minified(name)


def _owner(place: str, abs_path: str, module: str, function: str) -> Owner:
    if vendors.wraps(function.rpartition(".")[2]):
        return Owner.PACKAGE
    owner = vendors.owner(place)
    # A mapped file's own name says whose it is; where it was served from does not.
    if owner is Owner.SITE and abs_path and abs_path != place and "://" not in abs_path:
        return vendors.owner(abs_path)
    # Python's frames from a frozen program have a module and no file.
    return Owner.SITE if owner is Owner.NOWHERE and module and not place else owner


def _note(
    owner: Owner,
    file: files.File,
    *,
    in_app: bool,
    is_minified: bool,
    is_named: bool,
) -> Why:
    if not in_app:
        return Why.VENDOR if owner is not Owner.SITE else Why.SENDER
    if is_minified:
        return Why.MINIFIED
    if file.had_hash:
        return Why.HASHED
    return Why.TOLD if is_named else Why.NAMELESS
