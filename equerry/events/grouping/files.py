"""Names of files as they outlive a deploy: without host, hash, version and build id."""

import functools
import re
from urllib.parse import unquote

import msgspec

_PATH = 500
# A folder of a server says where it was installed; the last ones say which file it is.
_LOCAL_SEGMENTS = 3
_HASHED = "_"

_SOURCES = (".ts", ".tsx", ".jsx", ".mts", ".cts", ".vue", ".svelte", ".py", ".pyx", ".astro")
_MAPPED = re.compile(r"^(?:webpack|turbopack|webpack-internal|ng|vite|rollup)://")
_SCRIPT = re.compile(r"\.[cm]?js$")

# Where bundlers put what they make; behind it stands what tells files apart.
_ROOT = re.compile(
    r"^.*?/(?:_next/static/(?:chunks/)?|\.next/(?:dev/)?server/(?:chunks/(?:ssr/)?)?)"
)
_BUILD_ID = re.compile(r"/_next/static/(?!chunks/|css/|media/|webpack/|development/)[^/]+/")
_LAYER = re.compile(r"^\([a-z-]{1,40}\)/")
_PACKAGES = re.compile(r"^.*(?:node_modules|site-packages|dist-packages)/")
_STDLIB = re.compile(r"^.*/lib/python[23][.0-9]*/")

# A segment that is a version, a moment or a number: `1.2.3`, `v12.0`, `20261124`, `build-77`.
_VERSION = re.compile(r"^(?:v?[0-9]+(?:\.[0-9]+)+|[0-9]+|(?:build|release|rev|r)[-_.]?[0-9]+)$")
_AT_VERSION = re.compile(r"(?<=[^/])@v?[0-9][^/]*|[-.]v?[0-9]+(?:\.[0-9]+)+(?=[-.]|$)")
# Hashes in hex of seven digits and more, set off by anything but letters and digits.
_HEX = re.compile(r"(?<![0-9A-Za-z])(?=[a-f]{0,39}[0-9])[0-9a-f]{7,64}(?![0-9A-Za-z])")
# What rollup (base64url, 8), esbuild and Angular (base32, 8) append or call a whole chunk.
_TAIL = re.compile(r"(?:^|[-.])([A-Za-z0-9_-]{8})$")
_BASE32 = re.compile(r"^[A-Z2-7]{8}$")
_WORD = re.compile(r"^[a-z][a-z_-]*$|^[A-Z][a-z]+$")
_CAMEL = re.compile(r"^[A-Z]?[a-z]+(?:[A-Z][a-z]+)*$")
# Folders in which a whole name may be a hash that looks like two words: `_nuxt/DiwrgTda.js`.
_CHUNK_FOLDERS = frozenset({"_nuxt", "assets", "chunks", "entry", "nodes", "immutable"})
_DIGITS = re.compile(r"(?<![A-Za-z0-9])[0-9]+(?![A-Za-z0-9])")
_RUNS = re.compile(r"[-._~]*_[-._~]*")


class File(msgspec.Struct, frozen=True, gc=False):
    """A file's lasting name. name: "" where nothing of it lasts.

    is_built: a bundler or minifier wrote it, so that its functions' names may not last.
    """

    name: str
    is_built: bool
    had_hash: bool


@functools.lru_cache(maxsize=1024)
def lasting(place: str) -> File:
    """Return what a file is called in every deploy, whatever host or folder it is served from."""
    path = place[:_PATH].replace("\\", "/")
    if "%" in path:
        path = unquote(path)
    is_mapped = _MAPPED.match(path) is not None
    path, is_local = _path(path)
    bare = path.partition("?")[0].partition("#")[0]
    is_source = is_mapped or bare.endswith(_SOURCES) or "/src/" in f"/{bare}"
    name, had_hash = _named(bare, is_local=is_local, is_source=is_source)
    return File(name, not is_source, had_hash)


def package(place: str) -> str:
    """Return whose file it is, for a package's: `@scope/name`; else the lasting name."""
    path = place[:_PATH].replace("\\", "/")
    rest, packages = _PACKAGES.subn("", path)
    if packages:
        first, _, after = rest.partition("/")
        return f"{first}/{after.partition('/')[0]}" if first.startswith("@") else first
    if path.startswith("node:"):
        return path.partition("/")[0]
    return _STDLIB.sub("", path) if _STDLIB.match(path) else lasting(place).name


def _path(path: str) -> tuple[str, bool]:
    """Return the path of a URL or of a disk, and whether it is a disk's."""
    scheme, mark, rest = path.partition("://")
    if not mark:
        if path[1:3] == ":/":
            return path[2:], True
        return path, path.startswith("/") and not _is_served(path)
    if scheme == "file":
        return rest.removeprefix("/")[2:] if rest[2:4] == ":/" else rest, True
    if _MAPPED.match(path):
        return _mapped(scheme, rest), False
    return _served(scheme, rest), False


def _served(scheme: str, rest: str) -> str:
    """Take the host off; a blob's path is made anew for each visitor."""
    if scheme.startswith("blob:"):
        return ""
    return "/" + (rest.lstrip("/") if scheme == "app" else rest.partition("/")[2])


def _mapped(scheme: str, rest: str) -> str:
    """Take the project's or layer's name off `webpack://_N_E/./src/x.ts`."""
    rest = rest.lstrip("/") if rest.startswith("/") else rest
    if scheme == "webpack" and not rest.startswith("./"):
        name, slash, after = rest.partition("/")
        rest = after if slash and "." not in name else rest
    rest = _LAYER.sub("", rest).removeprefix("[project]/")
    return rest.removeprefix("./")


def _is_served(path: str) -> bool:
    return path.startswith(("/_next/", "/static/", "/assets/", "/_nuxt/", "/build/", "/dist/"))


def _named(path: str, *, is_local: bool, is_source: bool) -> tuple[str, bool]:
    if "/_next/static/" in path:
        path = _BUILD_ID.sub("/_next/static/", path)
    rest = _ROOT.sub("", path)
    segments = [segment for segment in rest.split("/") if segment not in {"", ".", ".."}]
    if is_local and rest == path:
        segments = segments[-_LOCAL_SEGMENTS:]
    if not segments:
        return "", False
    lasting_ones = [_segment(segment) for segment in segments[:-1]]
    is_chunk = not _CHUNK_FOLDERS.isdisjoint(segments[-2:-1])
    if is_source:
        stem, had_hash = segments[-1], False
    else:
        stem, had_hash = _stem(segments[-1], is_chunk=is_chunk)
    name = "/".join([segment for segment in lasting_ones if segment != _HASHED] + [stem])
    return ("" if name == _HASHED else name), had_hash


def _segment(segment: str) -> str:
    if _VERSION.match(segment):
        return _HASHED
    return _RUNS.sub("_", _HEX.sub(_HASHED, _AT_VERSION.sub("", segment))).lower()


def _stem(segment: str, *, is_chunk: bool) -> tuple[str, bool]:
    """Return a built file's own name, and whether a hash was taken from it."""
    stem = _SCRIPT.sub("", segment).removesuffix(".min")
    for kind in (".chunk", ".bundle", ".prod", ".production", "._"):
        stem = stem.removesuffix(kind)
    bare = _AT_VERSION.sub("", stem)
    found = _TAIL.search(bare)
    if found and _is_hash(found[1], is_whole=found.start(1) == 0 and not is_chunk):
        bare = f"{bare[: found.start()]}-{_HASHED}"
    bare = _HEX.sub(_HASHED, bare)
    had_hash = bare != stem
    bare = _DIGITS.sub(_HASHED, bare)
    if had_hash or bare != stem:
        bare = _RUNS.sub("_", bare).strip("_") or _HASHED
    return bare.lower(), had_hash


def _is_hash(text: str, *, is_whole: bool) -> bool:
    """Whether eight characters are a hash. is_whole: they are the name of an ordinary file."""
    if _BASE32.match(text):
        return True
    return not (_CAMEL if is_whole else _WORD).match(text)
