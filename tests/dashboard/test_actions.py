from typing import Any

import pytest
from flask.testing import FlaskClient
from operators import Ask, MakeToken, Report

from equerry.tokens import Scope

ISSUE = "/issues/WEB-1"


@pytest.fixture
def two_issues(report: Report) -> None:
    """WEB-1 and WEB-2."""
    report("alpha", release="1.0")
    report("beta", release="1.0")


@pytest.mark.usefixtures("two_issues")
@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("resolve", {}, {"status": "resolved"}),
        ("resolve", {"release": "2.0"}, {"status": "resolved", "resolved_in": "2.0"}),
        ("resolve", {"in_next_release": True}, {"resolved_in_next_release": True}),
        ("ignore", {}, {"status": "ignored", "ignored_until": {}}),
        ("ignore", {"until_count": 10}, {"ignored_until": {"count": 11}}),
        (
            "ignore",
            {"until": "9999-01-01"},
            {"ignored_until": {"time": "9999-01-01T00:00:00.000Z"}},
        ),
        ("assign", {"to": "ann@example.org"}, {"assignee": "ann@example.org"}),
        ("pin", {"severity": "critical"}, {"severity": "critical", "pinned": True}),
        ("note", {"text": "seen"}, {"status": "unresolved"}),
        ("merge", {"into": "WEB-2"}, {"id": "WEB-2", "count": 2}),
    ],
)
def test_each_action(ask: Ask, action: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    """An action answers with the issue as it is from now on, and leaves a line with its actor."""
    done = ask(f"{ISSUE}/{action}", body)
    assert done["changed"] is True
    assert {name: done["issue"][name] for name in expected} == expected
    [line] = ask(f"{ISSUE}/activity")["activity"]
    assert line["by"] == "ann"
    assert line["what"].startswith(action[:5])


@pytest.mark.usefixtures("two_issues")
def test_undoing(ask: Ask) -> None:
    """Reopen, unassign, unpin and unmerge take back what was done."""
    for action, body in (
        ("resolve", {}),
        ("assign", {"to": "ann"}),
        ("pin", {"severity": "critical"}),
        ("merge", {"into": "WEB-2"}),
        ("unmerge", {}),
        ("pin", {"severity": None}),
        ("assign", {}),
        ("reopen", {}),
    ):
        assert ask(f"{ISSUE}/{action}", body)["changed"], action
    issue = ask(ISSUE)
    assert (issue["status"], issue["assignee"], issue["pinned"]) == ("unresolved", "", False)
    assert len(issue["activity"]) == 8


@pytest.mark.usefixtures("two_issues")
def test_done_already(ask: Ask) -> None:
    """What is so already changes nothing, and leaves no second line."""
    assert ask(f"{ISSUE}/resolve", {})["changed"]
    ask(f"{ISSUE}/assign", {"to": "ann"})
    assert not ask(f"{ISSUE}/assign", {"to": "ann"})["changed"]
    assert len(ask(f"{ISSUE}/activity")["activity"]) == 2


@pytest.mark.usefixtures("two_issues")
@pytest.mark.parametrize(
    ("action", "body", "fields"),
    [
        ("resolve", {"in_next_release": "yes"}, ["in_next_release"]),
        ("resolve", {"relase": "1"}, ["relase"]),
        ("ignore", {"for_seconds": 0, "until_count": -1}, ["for_seconds", "until_count"]),
        ("ignore", {"until": "soon"}, ["until"]),
        ("assign", {"to": 7}, ["to"]),
        ("assign", {"to": "x" * 101}, ["to"]),
        ("pin", {"severity": "fatal"}, ["severity"]),
        ("note", {}, ["text"]),
        ("note", {"text": "  "}, ["text"]),
        ("merge", {"into": "42"}, ["into"]),
        ("reopen", {"by": "bob"}, ["by"]),
    ],
)
def test_every_fault_of_a_body_is_named(
    ask: Ask, action: str, body: dict[str, Any], fields: list[str]
) -> None:
    """A wrong body is 400 with a cause for each field, and nothing is done."""
    answer = ask(f"{ISSUE}/{action}", body, status=400)
    assert [cause["field"] for cause in answer["causes"]] == fields
    assert all(cause["problem"] for cause in answer["causes"])
    assert ask(f"{ISSUE}/activity")["activity"] == []


@pytest.mark.usefixtures("two_issues")
@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("resolve", {"release": "1", "in_next_release": True}, 409),
        ("unmerge", {}, 409),
        ("ignore", {"until": "2001-01-01"}, 409),
        ("ignore", {"until": "9999-01-01", "for_seconds": 5}, 409),
        ("merge", {"into": "WEB-9"}, 404),
        ("merge", {"into": "SHOP-1"}, 404),
    ],
)
def test_what_makes_no_sense(ask: Ask, action: str, body: dict[str, Any], status: int) -> None:
    """What cannot be done as things stand is refused with a reason."""
    assert ask(f"{ISSUE}/{action}", body, status=status)["detail"]


@pytest.mark.usefixtures("two_issues")
@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"Content-Type": "text/plain"}, b'{"text":"x"}', 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"text=x", 415),
        ({"Content-Type": "application/json"}, b"", 400),
        ({"Content-Type": "application/json"}, b"{", 400),
        ({"Content-Type": "application/json"}, b"[]", 400),
        ({"Content-Type": "application/json"}, b'"text"', 400),
        ({"Content-Type": "application/json"}, b"[" * 100, 400),
        ({"Content-Type": "application/json"}, b'{"text":"\xff"}', 400),
        ({"Content-Type": "application/json"}, b'{"text":"' + b"x" * 70_000 + b'"}', 413),
    ],
)
def test_a_body_that_is_none(
    client: FlaskClient, make_token: MakeToken, headers: dict[str, str], data: bytes, status: int
) -> None:
    """What is no JSON object of a sane size is refused as such."""
    headers = {**make_token(Scope.WRITE), **headers}
    answer = client.post(f"/api/v1{ISSUE}/note", headers=headers, data=data)
    assert answer.status_code == status
    assert answer.json["detail"]


@pytest.mark.usefixtures("two_issues")
def test_an_action_needs_no_body_where_no_field_is_needed(
    client: FlaskClient, make_token: MakeToken
) -> None:
    """`curl -X POST …/resolve` does it."""
    headers = make_token(Scope.WRITE)
    assert client.post(f"/api/v1{ISSUE}/resolve", headers=headers).json["changed"]


@pytest.mark.usefixtures("two_issues")
def test_several_at_once(ask: Ask) -> None:
    """Each of several issues has its own result; what cannot be done stops nothing else."""
    body = {"action": "assign", "issues": ["WEB-1", "WEB-9", "web-2", "WEB-1"], "to": "bob"}
    results = ask("/issues/actions", body)["results"]
    assert [(each["id"], each["changed"]) for each in results] == [
        ("WEB-1", True),
        ("WEB-9", False),
        ("web-2", True),
    ]
    assert "no issue" in results[1]["error"]
    assert ask("/issues/WEB-2")["assignee"] == "bob"


@pytest.mark.usefixtures("two_issues")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "resolve"}, "issues"),
        ({"action": "resolve", "issues": []}, "issues"),
        ({"action": "resolve", "issues": ["WEB-1"] * 101}, "issues"),
        ({"action": "resolve", "issues": ["WEB-1", 7]}, "issues[1]"),
        ({"action": "delete", "issues": ["WEB-1"]}, "action"),
        ({"action": "resolve", "issues": ["WEB-1"], "to": "bob"}, "to"),
        ({"action": "merge", "issues": ["WEB-1"]}, "into"),
    ],
)
def test_several_at_once_are_checked_before(ask: Ask, body: dict[str, Any], field: str) -> None:
    """A field that the action does not take, or misses, is named, and nothing is done."""
    answer = ask("/issues/actions", body, status=400)
    assert [cause["field"] for cause in answer["causes"]] == [field]
    assert ask(f"{ISSUE}/activity")["activity"] == []
