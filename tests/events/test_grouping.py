"""How errors become issues: every pair of the table, and what must never change."""

import time
from typing import Any

import pytest
from grouping_cases import Case, cases
from grouping_peers import equerry
from hypothesis import given
from hypothesis import strategies as st

from equerry.events.grouping import version_0
from equerry.events.grouping.calls import Why
from equerry.events.grouping.fingerprint import VERSION, culprit, explain, fingerprint, older
from equerry.events.grouping.parts import Strategy
from equerry.events.report import (
    ErrorFacts,
    ErrorReport,
    Frame,
    ReportedException,
    ReportedFrame,
    Thrown,
)

NAMES = st.from_regex(r"\A[a-z]{4,12}[A-Z][a-z]{3,8}\Z")
HEX = st.from_regex(r"\A[0-9][0-9a-f]{15}\Z")
NUMBERS = st.integers(1, 10**9)


def error(**fields: Any) -> ErrorFacts:
    """Return an error that is ordinary but for these fields."""
    return ErrorFacts(**{"timestamp": "", "name": "Error", "message": "no seat", **fields})


def stack(*calls: tuple[str, str]) -> str:
    """Write V8's stack of (function, place), the newest call first."""
    return "\n".join(["Error: no seat", *(f"    at {name} ({place})" for name, place in calls)])


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.area}: {case.what}")
def test_case(case: Case) -> None:
    """One bug is one issue, two bugs are two."""
    assert case.right(equerry)


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.area}: {case.what}")
def test_explanation(case: Case) -> None:
    """What explains a fingerprint names that fingerprint, and at least one part that counts."""
    explained = explain(case.one)
    assert explained.fingerprint == fingerprint(case.one)
    assert explained.version == VERSION
    assert any(part.contributes for part in explained.parts)


def test_is_stable() -> None:
    """It must not change by accident: every issue would open again as new."""
    known = error(stack=stack(("findSeat", "https://a/assets/index-DiwrgTda.js:1:2")))
    assert fingerprint(known) == "f37313b1b5bc4b814b844813f8e3d29c"
    assert fingerprint(error(message="user 12")) == "349f4b697d3a10a22180fd9849f3d7f8"
    frames = (Frame(function="go", filename="shop/a.py", module="shop.a", in_app=True),)
    cause = Thrown(type="KeyError", value="'x'", frames=frames)
    chain = (cause, Thrown(type="Gone", value="1", frames=frames))
    assert fingerprint(error(exceptions=chain)) == "b82b9cba1afa2f56e76fa0d581d06845"


def test_older() -> None:
    """An issue of the first version is found by what that version gave."""
    assert older(error()) == (version_0.fingerprint(error()),)
    assert fingerprint(error()) not in older(error())


def test_explains_each_part() -> None:
    """Each frame says why it counts or does not."""
    explained = explain(
        error(
            stack=stack(
                ("Array.map", "<anonymous>"),
                ("findSeat", "https://a/assets/index-DiwrgTda.js:1:2"),
                ("t", "https://a/assets/index-DiwrgTda.js:1:2"),
                ("parse", "https://a/node_modules/zod/index.js:1:2"),
                ("walk", "https://a/src/walk.ts:1:2"),
                ("walk", "https://a/src/walk.ts:3:2"),
            )
        )
    )
    assert explained.strategy is Strategy.STACK
    assert [(part.what, part.text, part.contributes, part.why) for part in explained.parts] == [
        ("type", "Error", True, Why.TOLD),
        ("message", "no seat", False, Why.STACK_TOLD),
        ("frame", "<anonymous>|map", False, Why.VENDOR),
        ("frame", "assets/index|findSeat", True, Why.HASHED),
        ("frame", "assets/index|", False, Why.MINIFIED),
        ("frame", "zod|parse", False, Why.VENDOR),
        ("frame", "src/walk.ts|walk", True, Why.TOLD),
        ("frame", "src/walk.ts|walk", False, Why.RECURSION),
    ]


@pytest.mark.parametrize(
    ("fields", "strategy"),
    [
        ({"group_by": ("mine",)}, Strategy.EXPLICIT),
        ({"group_by": ("{{ default }}",)}, Strategy.EXCEPTION),
        ({"name": "ChunkLoadError"}, Strategy.KNOWN),
        ({"stack": stack(("findSeat", "https://a/b.js:1:2"))}, Strategy.STACK),
        ({"stack": stack(("t", "https://a/b.js:1:2"))}, Strategy.STACK_AND_MESSAGE),
        ({"stack": "no frame at all"}, Strategy.EXCEPTION),
        ({"name": ""}, Strategy.MESSAGE),
    ],
)
def test_strategy(fields: dict[str, Any], strategy: Strategy) -> None:
    """The first that has something to say decides."""
    assert explain(error(**fields)).strategy is strategy


def test_explains_what_the_sender_says() -> None:
    """The sender's words come first; ours follow where they are asked for."""
    whats = [part.what for part in explain(error(group_by=("a", "{{ default }}"))).parts]
    assert whats == ["sender's", "sender's", "type", "message"]
    assert [part.what for part in explain(error(group_by=("a",))).parts] == ["sender's"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({}, ""),
        ({"transaction": "/rooms/[id]"}, "/rooms/[id]"),
        ({"stack": stack(("Cart.pay", "https://a/src/pay.ts:1:2"))}, "pay (src/pay.ts)"),
        (
            {"stack": stack(("parse", "/a/node_modules/zod/i.js:1:2"), ("pay", "/srv/a/pay.js:1"))},
            "pay (srv/a/pay)",
        ),
        ({"stack": stack(("parse", "/a/node_modules/zod/i.js:1:2"))}, "parse (zod)"),
        ({"transaction": "x" * 500}, "x" * 119 + "…"),
    ],
)
def test_culprit(fields: dict[str, Any], where: str) -> None:
    """Where it happened, in words that fit a line."""
    assert culprit(error(**fields)) == where


def test_kept_exceptions() -> None:
    """An error read back from the archive, with its variables, has the fingerprint it was given."""
    fields: dict[str, Any] = {"function": "pay", "filename": "shop/pay.py", "module": "shop.pay"}
    facts = error(exceptions=(Thrown(type="E", value="v", frames=(Frame(**fields),)),))
    frame = ReportedFrame(**fields, context_line="pay()", vars={"amount": 1})
    kept = ReportedException(type="E", value="v", frames=(frame,), mechanism={"type": "generic"})
    report = ErrorReport(timestamp="", message="", level="error", exceptions=(kept,))
    assert fingerprint(report) == fingerprint(facts)


@pytest.mark.parametrize(
    ("filename", "module", "in_app", "shown"),
    [
        ("Cart.java", "org.shop.Cart", None, "pay (org.shop.Cart)"),
        ("/usr/lib/python3.12/json/decoder.py", "json.decoder", None, "pay (json/decoder.py)"),
        ("shop/views.py", "shop.views", True, "pay (shop.views)"),
        ("https://a/_next/static/chunks/app/vendors/page-0a1b2c3d4e5f6a7b.js", "", True, None),
    ],
)
def test_files_of_frames(
    filename: str, module: str, in_app: bool | None, shown: str | None
) -> None:
    """A module names a file where there is one; a page may be called like a chunk of packages."""
    frame = Frame(function="pay", filename=filename, module=module, in_app=in_app)
    found = culprit(error(exceptions=(Thrown(type="E", value="v", frames=(frame,)),)))
    assert found == (shown or "pay (app/vendors/page)")


@given(NAMES, HEX, HEX, NUMBERS, NUMBERS)
def test_ignores_what_a_deploy_changes(
    name: str, before: str, after: str, line: int, column: int
) -> None:
    """Lines, columns, hashes and queries do not count."""
    one = error(stack=stack((name, f"https://a/app-{before}.js:1:1"), ("go", "https://a/b.js:1:1")))
    other = error(
        stack=stack(
            (name, f"https://c.example/app-{after}.js?v={line}#x:{line}:{column}"),
            ("go", f"https://a/b.js:{column}:{line}"),
        )
    )
    assert fingerprint(one) == fingerprint(other)


@given(NAMES, NUMBERS, NUMBERS, st.uuids())
def test_ignores_what_a_visitor_changes(word: str, one: int, other: int, uuid: object) -> None:
    """Numbers and ids in a message do not count."""
    told = f"{word} {{}} of {{}} is gone"
    assert fingerprint(error(message=told.format(one, uuid))) == fingerprint(
        error(message=told.format(other, "00000000-0000-4000-8000-000000000000"))
    )


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.integers(2, 9), st.integers(2, 9))
def test_ignores_how_deep_a_recursion_went(cycle: list[str], one: int, other: int) -> None:
    """Also between several functions."""
    calls = [(name, "https://a/src/walk.ts:1:2") for name in cycle]
    main = [("main", "https://a/src/main.ts:1:2")]
    assert fingerprint(error(stack=stack(*calls * one, *main))) == fingerprint(
        error(stack=stack(*calls * other, *main))
    )


@given(NAMES, NAMES, NAMES, NAMES)
def test_differs_by_where_it_happened(one: str, other: str, file: str, another: str) -> None:
    """Another function or another file of the newest own frame is another issue."""
    first = fingerprint(error(stack=stack((one, f"https://a/src/{file}.ts:1:2"))))
    second = fingerprint(error(stack=stack((other, f"https://a/src/{another}.ts:1:2"))))
    assert (first == second) is ((one, file) == (other, another))


@given(
    st.text(),
    st.text(),
    st.text(alphabet="at (File\"',:/.@1a<>?#-_\n\\[%$*"),
    st.lists(st.tuples(st.text(), st.text(), st.text(), st.text()), max_size=4),
)
def test_any_report_has_one(
    name: str, message: str, text: str, calls: list[tuple[str, str, str, str]]
) -> None:
    """32 hex digits, an explanation and a place for whatever was sent."""
    frames = tuple(
        Frame(function=function, module=module, filename=filename, abs_path=path)
        for function, module, filename, path in calls
    )
    for report in (
        error(name=name, message=message, stack=text),
        error(exceptions=(Thrown(type=name, value=message, frames=frames),)),
        error(group_by=(text, name), message=message),
    ):
        assert len(bytes.fromhex(fingerprint(report))) == 16
        assert explain(report).fingerprint == fingerprint(report)
        assert len(culprit(report)) <= 120


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "@",
        "/",
        "-",
        "(",
        "1:",
        "    at f (",
        "    at a (b:1:2)\n",
        "f@https://a/b.js:1:2\n",
        '  File "a.py", line 1, in f\n',
        "Traceback (most recent call last):\n",
        "at eval (eval at ",
        "webpack://",
        "%5B",
        "'\"",
        "deadbeef-",
        "1-",
        "\n",
        "é\ud800",
    ],
)
def test_hostile_text_costs_little(unit: str) -> None:
    """64 KiB of junk take no longer than 50 ms; a regular expression run wild takes minutes."""
    junk = unit * (65_536 // len(unit))
    reports = [
        error(stack=junk, message=junk, name=junk[:200]),
        error(exceptions=(Thrown(type="E", value=junk, frames=(Frame(filename=junk),) * 50),)),
    ]
    begun = time.process_time()
    for report in reports:
        fingerprint(report)
    assert time.process_time() - begun < 0.05
