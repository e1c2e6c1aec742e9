from typing import Any

import pytest

from equerry.events import noise
from equerry.events.report import ErrorReport, ReportedException, ReportedFrame

V8 = "TypeError: x\n    at f (https://example.org/a.js:1:2)\n"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0"


PAGE = ReportedFrame(function="?", filename="https://example.org/", in_app=True)
OWN = ReportedFrame(function="pay", filename="https://example.org/a.js", in_app=True)
FOREIGN = ReportedFrame(function="f", filename="chrome-extension://abc/x.js", in_app=True)


@pytest.mark.parametrize(
    ("message", "frames", "reason"),
    [
        ("Script error.", (), "script-error"),
        ("Script error.", (PAGE,), "script-error"),
        ("Script error.", (OWN,), ""),
        ("ResizeObserver loop limit exceeded", (PAGE,), "resize-observer"),
        ("ResizeObserver loop limit exceeded", (PAGE, OWN), ""),
        ("boom", (OWN, FOREIGN), "browser-extension"),
        ("boom", (FOREIGN, OWN), ""),
        ("Java object is gone", (OWN,), "injected-script"),
        ("boom", (), ""),
        ("boom", (OWN,), ""),
    ],
)
def test_reason_of_exceptions(message: str, frames: tuple[ReportedFrame, ...], reason: str) -> None:
    """An SDK's exceptions say the same as a stack."""
    thrown = ReportedException(type="Error", value=message, frames=frames)
    report = ErrorReport(timestamp="", level="error", message=message, exceptions=(thrown,))
    assert noise.reason(report) == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"message": "Script error."}, "script-error"),
        ({"message": "Script error.", "stack": V8}, ""),
        ({"message": "A script error."}, ""),
        (
            {"message": "ResizeObserver loop completed with undelivered notifications."},
            "resize-observer",
        ),
        ({"message": "ResizeObserver loop limit exceeded", "stack": V8}, ""),
        (
            {"stack": "Error: x\n    at f (chrome-extension://abc/x.js:1:2)\n" + V8},
            "browser-extension",
        ),
        ({"stack": "f@moz-extension://abc/x.js:1:2"}, "browser-extension"),
        ({"stack": V8 + "    at g (chrome-extension://abc/x.js:1:2)"}, ""),
        (
            {"stack": "Error: https://a.b\n    at f (safari-web-extension://a/x.js:1:2)"},
            "browser-extension",
        ),
        ({"url": "chrome-extension://abc/popup.html"}, "browser-extension"),
        ({"message": "googletag is not defined"}, "injected-script"),
        ({"message": "Can't find variable: gmo"}, "injected-script"),
        (
            {"message": "Object Not Found Matching Id:3, MethodName:update, ParamCount:4"},
            "injected-script",
        ),
        ({"message": "Error invoking post: Java object is gone"}, "injected-script"),
        ({"user_agent": CHROME}, ""),
        ({"user_agent": CHROME.replace("Chrome", "HeadlessChrome")}, ""),
        ({"user_agent": "curl/8.5.0"}, ""),
        ({"user_agent": "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 50) Chrome/149.0"}, ""),
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)"}, "crawler"),
        ({"user_agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}, "crawler"),
        ({"user_agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"}, "crawler"),
        ({"user_agent": "facebookexternalhit/1.1"}, "crawler"),
        ({"user_agent": "Mozilla/5.0 Chrome/149.0 Chrome-Lighthouse"}, "crawler"),
        ({"user_agent": "bot"}, "crawler"),
        ({"user_agent": "Mozilla/5.0 (compatible; Claude-User/1.0; +x)"}, "crawler"),
        ({"user_agent": "Mozilla/5.0 (compatible; meta-externalagent/1.1)"}, "crawler"),
        ({"user_agent": CHROME + " MetaIAB Facebook"}, ""),
    ],
)
def test_reason(fields: dict[str, Any], reason: str) -> None:
    """Noise is named; what could be the site's own bug is not noise."""
    report = ErrorReport(timestamp="", level="error", **{"message": "boom", **fields})
    assert noise.reason(report) == reason
