"""Noise: reports that are nobody's bug here. Named, so that every drop is counted."""

import functools
import re

from equerry.events.linear import linear
from equerry.events.report import ErrorFacts

# Say nothing about where they come from; with a stack they do.
_WITHOUT_STACK = {"Script error": "script-error", "ResizeObserver loop": "resize-observer"}

_EXTENSION = "-extension://"
_EXTENSIONS = ("chrome-extension:", "moz-extension:", "safari-web-extension:", "safari-extension:")

# What in-app browsers, toolbars and translators put into a page, by a word of its message.
_INJECTED = re.compile(
    "|".join(
        map(
            re.escape,
            (
                "googletag",
                "gmo is not defined",
                "Can't find variable: gmo",
                "__gCrWeb",
                "Object Not Found Matching Id:",  # CefSharp, the scanner of Outlook's safe links
                "CefSharp",
                "Java object is gone",  # Facebook's browser on Android
                "Java bridge method invocation error",
                "Java exception was raised during method invocation",
                "_AutofillCallbackHandler",
                "instantSearchSDKJSBridge",
                "zaloJSV2",
                "vid_mate_check",
            ),
        )
    )
)

# `Cubot` makes telephones. Headless Chrome and plain HTTP clients may be the site's own. Lists such
# as crawler-user-agents (1,504 patterns, 77 ms at each start) name those too, and the browsers
# inside of apps that people visit with: half of what they add never runs a page's script.
_CRAWLER = linear(
    r"(?i)(?:^|[^u])bot(?:[^a-z]|$)|crawl|spider|slurp|mediapartners|lighthouse|pagespeed"
    r"|facebookexternalhit|bingpreview|yandex(?:images|metrika|direct)|archiver|prerender"
    r"|google-(?:inspectiontool|read-aloud|extended|safety|agent|adwords-express|ads-conversions)"
    r"|apis-google|googleagent-|googleother|feedfetcher|gtmetrix|meta-external|teoma|heritrix"
    r"|(?:claude|perplexity|mistralai|chatgpt|manus|duckassist)-?user|anthropic-ai|cohere-ai"
)


def reason(report: ErrorFacts) -> str:
    """Return why the report is noise, or "" where it is not."""
    if not report.stack and not _has_frames(report):
        for start, named in _WITHOUT_STACK.items():
            if report.message.startswith(start):
                return named
    elif _thrown_by_extension(report):
        return "browser-extension"
    if report.url.startswith(_EXTENSIONS):
        return "browser-extension"
    if _INJECTED.search(report.message):
        return "injected-script"
    return "crawler" if report.user_agent and _is_crawler(report.user_agent) else ""


def _has_frames(report: ErrorFacts) -> bool:
    """Whether any exception says where it comes from.

    Where a browser does not, its SDK adds one frame without a function: the page itself.
    """
    frames = [frame for thrown in report.exceptions for frame in thrown.frames]
    return len(frames) > 1 or any(frame.function not in {"", "?"} for frame in frames)


def _thrown_by_extension(report: ErrorFacts) -> bool:
    """Whether the top frame is an extension's. Further down it only wraps what the page does."""
    if report.stack:
        return _EXTENSION in report.stack and _begins_in_extension(report.stack)
    frames = report.exceptions[-1].frames if report.exceptions else ()
    return bool(frames) and _EXTENSION in (frames[-1].abs_path or frames[-1].filename)


def _begins_in_extension(stack: str) -> bool:
    first_frame = max(stack.find("\n    at "), 0)
    return stack.find(_EXTENSION, first_frame) + len(_EXTENSION) - 3 == stack.find(
        "://", first_frame
    )


@functools.lru_cache(maxsize=2048)
def _is_crawler(user_agent: str) -> bool:
    return _CRAWLER.search(user_agent.encode()) is not None
