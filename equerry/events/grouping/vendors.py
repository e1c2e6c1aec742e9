"""Whose code a file is: the site's own, or somebody else's."""

import enum
import functools

from equerry.events.linear import linear


class Owner(enum.StrEnum):
    """Who wrote a file."""

    SITE = "site"
    PACKAGE = "package"
    RUNTIME = "runtime"
    BUNDLER = "framework or bundler"
    EXTENSION = "browser extension"
    ELSEWHERE = "third-party host"
    NOWHERE = "no file"


_OWNERS: tuple[tuple[Owner, str], ...] = (
    (Owner.NOWHERE, r"^(?:\[?native(?: code\])?|\[native code\]|<[^>]*>|\?|data:.*)?$"),
    (Owner.EXTENSION, r"-extension:/|^webkit-masked-url:|/extensions/[a-z]{32}/"),
    (
        Owner.PACKAGE,
        (
            r"(?:^|[/_\[~])(?:node_modules|bower_components|site-packages|dist-packages)[/_~]"
            r"|(?:^|/)\.(?:venv|yarn|pnpm)/|(?:^|/)~/|(?:^|/)(?:chunk-)?vendors?[-~._/]"
        ),
    ),
    (
        Owner.RUNTIME,
        (
            r"^node:|^internal/|^(?:async|zone|deno|bun|ext):|(?:^|/)lib/python[23][.0-9]*/"
            r"|^(?:events|module|net|fs|timers|vm|_[a-z_]+)\.js$|^<frozen "
        ),
    ),
    (
        Owner.BUNDLER,
        (
            r"webpack/(?:runtime|bootstrap|startup|container)|(?:^|/)next/dist/|@sentry|/sentry[.-]"
            r"|/(?:polyfills?|framework|main-app|webpack|react-refresh|runtime(?:~main|-main)?"
            r"|turbopack|zone(?:-evergreen)?|polyfill-[a-z]+)(?:[-.][^/]*)?\.m?js"
            r"|/_next/static/chunks/main-[^/]*\.js|/(?:react-dom|react|jquery|preact|vue|angular)"
            r"(?:[-.@][^/]*)?\.m?js|\[(?:turbopack|externals|next)\]|/@(?:vite|react-refresh|id)\b"
            r"|/_?next-server\.js|\.runtime\.(?:prod|dev)\.js"
        ),
    ),
    (
        Owner.ELSEWHERE,
        (
            r"^https?://(?:[a-z0-9-]+\.)*(?:googletagmanager\.com|google-analytics\.com|gstatic\.com"
            r"|googleapis\.com|doubleclick\.net|facebook\.net|hotjar\.com|sentry-cdn\.com|unpkg\.com"
            r"|jsdelivr\.net|cloudflare\.com|esm\.sh|intercomcdn\.com|clarity\.ms|stripe\.com"
            r"|hs-scripts\.com|tiktok\.com|cookiebot\.com|onetrust\.com)(?::[0-9]+)?/"
        ),
    ),
)
_PATTERNS = tuple((owner, linear(f"(?i){pattern}")) for owner, pattern in _OWNERS)
_PATH = 500
# What @sentry/browser and zone.js wrap around a page's own callbacks.
_WRAPPERS = frozenset({"sentryWrapped", "wrapped", "__sentry_wrapped__", "__rrweb_wrapped__"})


@functools.lru_cache(maxsize=1024)
def owner(path: str) -> Owner:
    """Return who wrote the file of a path or URL, by its name alone."""
    text = path[:_PATH].replace("\\", "/").encode("utf-8", "replace")
    for whose, pattern in _PATTERNS:
        if pattern.search(text):
            return whose
    return Owner.SITE


def wraps(function: str) -> bool:
    """Whether a function of this name only calls what the site gave it."""
    return function in _WRAPPERS
