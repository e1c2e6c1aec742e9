from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equerry.events.grouping.version_0 import fingerprint
from equerry.events.report import ErrorReport

CHUNKS = "https://example.org/_next/static/chunks/"


def of(**fields: Any) -> str:
    """Fingerprint an error that is ordinary but for these fields."""
    return fingerprint(
        ErrorReport(timestamp="", level="error", **{"message": "m", "name": "Error", **fields})
    )


def v8(place: str, function: str = "render", message: str = "Error: m") -> str:
    """Write a stack of two frames."""
    return f"{message}\n    at {function} ({place})\n    at mount ({place})"


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another line": ({"stack": v8("/a.js:1:2")}, {"stack": v8("/a.js:30:4")}),
    "another host": ({"stack": v8("https://a/x.js:1:2")}, {"stack": v8("https://b:80/x.js:1:2")}),
    "another query": ({"stack": v8("/a.js?v=1:1:2")}, {"stack": v8("/a.js?v=2#x:1:2")}),
    "another message with the same stack": (
        {"stack": v8("/a.js:1:2"), "message": "user 1"},
        {"stack": v8("/a.js:1:2", message="Error: 2"), "message": "other"},
    ),
    "a hash in a name": (
        {"stack": v8(f"{CHUNKS}main-0a1b2c3d4e5f6a7b.js:1:2")},
        {"stack": v8(f"{CHUNKS}main-9988776655443322.js:1:2")},
    ),
    "a hash for a name": (
        {"stack": v8(f"{CHUNKS}0a1b2c3d4e5f6a7b.js:1:2")},
        {"stack": v8(f"{CHUNKS}fedcba9876543210.js:1:2")},
    ),
    "create-react-app's": (
        {"stack": v8("/static/js/main.1a2b3c4d.chunk.js:1:2")},
        {"stack": v8("/static/js/main.deadbe3f.chunk.js:1:2")},
    ),
    "Vite's": (
        {"stack": v8("/assets/index-DiwrgTda.js:1:2")},
        {"stack": v8("/assets/index-B_x9-2kQ.js:1:2")},
    ),
    "Next's build id": (
        {"stack": v8("/_next/static/Xy_12abCdEf/pages/a.js:1:2")},
        {"stack": v8("/_next/static/zz-98ABC/pages/a.js:1:2")},
    ),
    "a version": (
        {"stack": v8("/npm/react@18.2.0/index.js:1:2")},
        {"stack": v8("/npm/react@19.0.1/index.js:1:2")},
    ),
    "V8 and Firefox": (
        {"stack": "Error: m\n    at async Cart.render (https://a/x.js:1:2)"},
        {"stack": "async*render@https://a/x.js:9:9"},
    ),
    "a recursion's depth": (
        {"stack": "Error\n" + "    at walk (/a.js:1:2)\n" * 3},
        {"stack": "Error\n" + "    at walk (/a.js:1:2)\n" * 40},
    ),
    "a traceback's line": (
        {"stack": 'Traceback:\n  File "/srv/a.py", line 3, in go\n    x()'},
        {"stack": 'Traceback:\n  File "/srv/a.py", line 9, in go\n    y()'},
    ),
    "numbers, ids, times and addresses": (
        {"message": "user 12 (a@b.org, 10.0.0.1) at 2026-11-24T15:00:00Z: 0xff 1.5e3 'k1'"},
        {"message": "user 7 (cc@dd.org, 10.9.0.1) at 2025-01-02: 0x12ab -3 'zz99'"},
    ),
    "a UUID and a URL": (
        {"message": "GET https://a/b?c=1 failed for 123e4567-e89b-12d3-a456-426614174000"},
        {"message": "GET https://x/y failed for 00000000-0000-4000-8000-000000000000"},
    ),
    "a dump after two lines": ({"message": "a\n\nb\nc"}, {"message": "a\nb\nd"}),
    "chunks that did not load": (
        {"name": "ChunkLoadError", "message": "Loading chunk 7 failed", "stack": v8("/a.js:1:2")},
        {"message": "Loading CSS chunk 12 failed"},
    ),
    "React's number": (
        {"message": "Minified React error #418; visit https://a", "stack": v8("/a.js:1:2")},
        {"message": "Minified React error #418; visit https://b"},
    ),
}

DIFFERENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "types": ({"name": "TypeError"}, {"name": "RangeError"}),
    "types of one stack": (
        {"name": "TypeError", "stack": v8("/a.js:1:2")},
        {"name": "RangeError", "stack": v8("/a.js:1:2")},
    ),
    "messages": ({"message": "no price"}, {"message": "no room"}),
    "properties": (
        {"message": "Cannot read properties of undefined (reading 'price')"},
        {"message": "Cannot read properties of undefined (reading 'room')"},
    ),
    "functions": ({"stack": v8("/a.js:1:2", "pay")}, {"stack": v8("/a.js:1:2", "book")}),
    "files": ({"stack": v8("/a.js:1:2")}, {"stack": v8("/b.js:1:2")}),
    "words that look like hashes": (
        {"stack": v8("/app/user-settings.js:1:2")},
        {"stack": v8("/app/user-invoices.js:1:2")},
    ),
    "React's numbers": (
        {"message": "Minified React error #418"},
        {"message": "Minified React error #423"},
    ),
    "minified functions alone": (
        {"stack": "Error\n    at t (/a.js:1:2)", "message": "no price"},
        {"stack": "Error\n    at t (/a.js:1:2)", "message": "no room"},
    ),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """What a deploy, a visitor or a moment changes does not make a new issue."""
    assert of(**one) == of(**other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_different(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two bugs are two issues."""
    assert of(**one) != of(**other)


def test_is_stable() -> None:
    """It must not change by accident: every issue would open again as new."""
    assert of(stack=v8("/a.js:1:2")) == "05638217ccc9cd2bc66853c989efeb0c"
    assert of(message="user 12") == "378394acb34d169b9f76f7c72c9b3139"


@given(st.text(), st.text(), st.text(alphabet="at (File\"',:/.@1a<>?#-_\n\\"))
def test_any_report_has_one(name: str, message: str, stack: str) -> None:
    """32 hex digits for whatever was sent."""
    assert len(bytes.fromhex(of(name=name, message=message, stack=stack))) == 16
