import re

import pytest
from operators import Ask, Report

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
HOSTILE = "</script><b>\u202e\x1b]0;owned\x07 {{7*7}} ${x} ' \" \\ \u2028"


def ids(page: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the short ids of a page."""
    return [issue["id"] for issue in page["issues"]]


def test_no_issues(ask: Ask) -> None:
    """Without issues the list is empty and complete, and has no further page."""
    assert ask("/issues") == {"issues": [], "next": "", "complete": True}


def test_the_list(ask: Ask, report: Report) -> None:
    """An issue is listed with its counts and every field of the documented shape."""
    report("alpha", "alpha", release="1.2", user="u1", level="error")
    [issue] = ask("/issues")["issues"]
    assert issue["id"] == "WEB-1"
    assert issue["project"] == "web"
    assert issue["title"].endswith("alpha")
    assert (issue["status"], issue["count"], issue["count_hour"], issue["users"]) == (
        "unresolved",
        2,
        2,
        1,
    )
    assert (issue["first_release"], issue["last_release"]) == ("1.2", "1.2")
    assert RFC3339.fullmatch(issue["first_seen"])
    assert RFC3339.fullmatch(issue["last_seen"])
    # What is not set is there all the same, so that no program has to ask.
    assert (issue["assignee"], issue["pinned"], issue["ignored_until"]) == ("", False, {})


def test_queries_and_orders(ask: Ask, report: Report) -> None:
    """A query narrows the list, a sort orders it."""
    report("alpha", release="1.2")
    report("beta", "beta", "beta", release="1.3")
    report("gamma", "gamma")
    assert ids(ask("/issues?query=release:1.3")) == ["WEB-2"]
    assert ids(ask("/issues?query=!release:1.3%20is:unresolved&sort=times_seen")) == [
        "WEB-3",
        "WEB-1",
    ]
    assert ids(ask("/issues?sort=times_seen")) == ["WEB-2", "WEB-3", "WEB-1"]
    assert ids(ask("/issues?query=sort:times_seen&limit=1")) == ["WEB-2"]
    assert ids(ask("/issues?project=web&query=alpha")) == ["WEB-1"]
    assert ids(ask("/issues?query=")) == ids(ask("/issues"))


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("query=colour:red", "query", "colour"),
        ("query=is:odd", "query", "unresolved"),
        ("query=%22open", "query", "closed"),
        ("sort=oddly", "sort", "is none of the values"),
        ("limit=0", "limit", "whole number"),
        ("limit=101", "limit", "whole number"),
        ("limit=", "limit", "whole number"),
        ("sort=", "sort", "is none"),
        ("limit=ten", "limit", "whole number"),
        ("limit=1&limit=2", "limit", "given twice"),
        ("cursor=x", "cursor", "none that a page gave"),
        ("cursor=1:p2:3:4", "cursor", "none that a page gave"),
        ("querry=x", "querry", "is not known here"),
        ("query=" + "x" * 1001, "query", "is too long"),
    ],
)
def test_what_is_wrong_is_named(ask: Ask, query: str, field: str, said: str) -> None:
    """A parameter that is unknown or wrong is 400 with its name, never passed over."""
    answer = ask(f"/issues?{query}", status=400)
    [cause] = answer["causes"]
    assert cause["field"] == field
    assert said in f"{answer['detail']} {cause['problem']}"


def test_an_unknown_project(ask: Ask) -> None:
    """A project that there is not is 404 with those that there are, no empty list."""
    assert "there is web" in ask("/issues?project=shop", status=404)["detail"]


def test_pages_are_complete_and_stable(ask: Ask, report: Report) -> None:
    """Each issue comes once, whatever is reported between two pages."""
    for number in range(25):
        report(f"failure {'abcdefghijklmnopqrstuvwxyz'[number]}")
    seen: list[str] = []
    cursor = ""
    for fresh in "ABCDEFGHIJ":
        page = ask(f"/issues?limit=4&cursor={cursor}")
        seen += ids(page)
        report(f"meanwhile {fresh}")
        cursor = page["next"]
        if not cursor:
            break
    assert cursor == ""
    assert seen == [f"WEB-{number}" for number in range(25, 0, -1)]


@pytest.mark.parametrize("sort", ["lastSeen", "firstSeen", "times_seen", "users", "severity"])
def test_every_order_pages_through_all(ask: Ask, report: Report, sort: str) -> None:
    """In every order, equal ones included, the pages together are the whole list."""
    for number in range(11):
        report(*[f"failure {'abcdefghijk'[number]}"] * (number % 3 + 1))
    whole = ids(ask(f"/issues?sort={sort}"))
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = ask(f"/issues?sort={sort}&limit=3&cursor={cursor}")
        seen += ids(page)
        cursor = page["next"]
    assert seen == whole
    assert len(set(seen)) == 11


def test_one_issue(ask: Ask, report: Report) -> None:
    """One issue comes with hours, days, tags and its activity; its id in any case."""
    report("alpha", tags={"browser": "Firefox"}, environment="live")
    report("alpha", tags={"browser": "Chrome"}, environment="live")
    issue = ask("/issues/web-1")
    assert issue["id"] == "WEB-1"
    assert sum(issue["hours"].values()) == sum(issue["days"].values()) == issue["count"] == 2
    assert issue["tags"]["browser"] == {"Firefox": 1, "Chrome": 1}
    assert issue["tags"]["environment"] == {"live": 2}
    assert (issue["merged"], issue["activity"]) == ([], [])


@pytest.mark.parametrize("id_", ["WEB-99", "SHOP-1", "WEB", "42", "WEB-0x1", "WEB-" + "9" * 30])
def test_an_issue_that_there_is_not(ask: Ask, id_: str) -> None:
    """What names no issue is 404 for each way to ask for one, with a reason."""
    for path in ("", "/events", "/activity"):
        assert ask(f"/issues/{id_}{path}", status=404)["detail"]


def test_hostile_text_is_text(ask: Ask, report: Report) -> None:
    """A title that would steer a page or a terminal arrives as the text it is, in JSON."""
    report(HOSTILE)
    [issue] = ask("/issues")["issues"]
    assert "</script>" in issue["title"]
    assert issue["title"] == ask("/issues/WEB-1")["title"]
