"""Errors as a browser's SDK reports them, for tests of what happens to their frames."""

from typing import Any

import msgspec

from equerry.events.event import ERRORS, Event
from equerry.events.event import decode as parse
from equerry.events.report import ErrorFacts, ErrorReport, ReportedException, ReportedFrame

SCRIPT_URL = "https://shop.example/static/shop-4f2a9c1b.js"


def frame(line: int, column: int, url: str = SCRIPT_URL, function: str = "r") -> ReportedFrame:
    """Return a minified frame."""
    return ReportedFrame(
        function=function, filename=url, abs_path=url, lineno=line, colno=column, in_app=True
    )


def report(*frames: ReportedFrame, **fields: Any) -> ErrorReport:
    """Return an error with one exception and these frames, the oldest first."""
    given: dict[str, Any] = {"platform": "javascript", "level": "error", "release": "shop@1.2"}
    return ErrorReport(
        timestamp="2026-11-25T02:00:00.000Z",
        message="no customer for Bag",
        name="Error",
        exceptions=(ReportedException(type="Error", value="no customer for Bag", frames=frames),),
        **(given | fields),
    )


def event(reported: ErrorReport, project: int = 1) -> Event:
    """Return the event as it comes out of the stream, decoded."""
    raw = msgspec.json.encode(reported)
    return Event(
        stream_id="1-0",
        id="0" * 32,
        kind=ERRORS,
        project=project,
        received_ms=1_764_000_000_000,
        raw=raw,
        report=parse(ERRORS, raw),
    )


def facts(raw: bytes) -> ErrorFacts:
    """Return what rules read of a report."""
    return msgspec.json.decode(raw, type=ErrorFacts)


def kept(raw: bytes) -> ErrorReport:
    """Return a report as it is kept."""
    return msgspec.json.decode(raw, type=ErrorReport)
