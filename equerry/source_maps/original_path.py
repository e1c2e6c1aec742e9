"""What the paths in a source map's `sources` say: a name to show, and whose code it is."""

import re

_SCHEME = re.compile(r"(?:webpack|turbopack|ng|rollup|vite|app|file)://(?:[^/]*/)?", re.IGNORECASE)
_PROJECT = "[project]/"
_LOADER_QUERY = re.compile(r"\?[0-9a-f]{4,}$|\?$")
_UPWARDS = re.compile(r"^(?:\.{1,2}/)+")
# A bundler's own runtime, which is in no package folder.
_RUNTIME = re.compile(
    r"(?:^|/)(?:webpack/(?:bootstrap|runtime|universalModuleDefinition)|\(webpack\)|\[turbopack\]"
    r"|vite/(?:preload-helper|modulepreload-polyfill)|\[next\]/|__vite-browser-external)"
    r"|^\0"
)
_PACKAGES = re.compile(r"(?:^|[/\\~])node_modules(?:[/\\]|$)|(?:^|/)~/(?![./])")


def readable(source: str) -> str:
    """Return the path without the bundler's part: `webpack://_N_E/./src/a.tsx?1f2e` → `src/a.tsx`.

    What a package manager put around a package goes as well, since it names versions and machines:
    `../node_modules/.pnpm/react@19.0.0/node_modules/react/a.js` → `node_modules/react/a.js`.
    """
    path = _SCHEME.sub("", source, count=1).removeprefix(_PROJECT)
    path = _UPWARDS.sub("", _LOADER_QUERY.sub("", path).lstrip("/"))
    before, marker, after = path.rpartition("node_modules/")
    return marker + after if before else path or source


def in_app(source: str) -> bool:
    """Whether a file of this path is the site's own code: no package's, no bundler's runtime."""
    return not _PACKAGES.search(source) and not _RUNTIME.search(source)
