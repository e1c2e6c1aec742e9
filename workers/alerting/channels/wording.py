"""Words for people, out of text that a stranger may have written."""

import datetime as dt
import re

from equerry.alerts.notification import Notification
from equerry.finding import Finding
from equerry.settings import Settings

LISTED = 20
"""A bundle names this many findings and counts the rest: a screenful, and far from any limit."""

# C0 (without tab and line feed), DEL, C1, bidirectional overrides, line separators, surrogates:
# they move a terminal's cursor, break a header or show text in another order than it is.
_UNSEEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_DROPPED = re.compile(f"[{_UNSEEN}]")
_WRITTEN_OUT = re.compile(f"[{_UNSEEN}\t\n]")
_LINE_ENDS = re.compile("[\r\x85\u2028\u2029]")


def clean(text: str) -> str:
    """Return the text without unseen characters; tabs and line feeds stay."""
    return _DROPPED.sub("", text)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; an ellipsis shows the cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int) -> str:
    """Return the text on one line, blanks run together, at most `limit` characters."""
    return cut(" ".join(clean(_LINE_ENDS.sub(" ", text)).split()), limit)


def visible(text: str) -> str:
    r"""Return the text with every unseen character, tab and line feed written out as `\x1b`."""
    return _WRITTEN_OUT.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def headline(notification: Notification) -> str:
    """Return the title, or a stand-in where there is none: Slack and mail refuse an empty one."""
    return one_line(notification.title, 1000) or "(no title)"


def worst_first(notification: Notification) -> tuple[tuple[Finding, ...], int]:
    """Return the findings to name, most severe first, and how many are left unnamed."""
    ordered = sorted(notification.findings, key=lambda finding: finding.at_ms)
    ordered.sort(key=lambda finding: finding.severity.rank, reverse=True)
    return tuple(ordered[:LISTED]), max(0, len(ordered) - LISTED) + notification.more


def moment(at_ms: int, zone: dt.tzinfo) -> str:
    """Return epoch milliseconds as a clock on the wall in this zone shows them."""
    return dt.datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def place(scope: str, settings: Settings) -> str:
    """Return what a scope is called by people: the project's slug, or the scope itself."""
    number = scope.removeprefix("p")
    project = settings.project(int(number)) if number.isdecimal() else None
    return project.slug if project else scope
