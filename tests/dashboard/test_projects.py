from operators import Ask, Report

from dashboard.operations import OPERATIONS


def test_the_overview_lists_every_operation(ask: Ask) -> None:
    """Who asks `/api/v1/` learns who they are, what they may do, and what there is."""
    seen = ask("/")
    assert (seen["token"], seen["scopes"]) == ("ann", ["read", "write"])
    assert {"method": "GET", "path": "/api/v1/issues", "summary": "Issues, by a query"} in seen[
        "operations"
    ]
    assert len(seen["operations"]) == len(OPERATIONS)


def test_projects(ask: Ask, report: Report) -> None:
    """A project is shown with its key and what was counted of it today."""
    report("one", "two", "two")
    [web] = ask("/projects")["projects"]
    assert (web["id"], web["slug"], web["origins"]) == (1, "web", ["*"])
    assert web["issues"] == 2
    assert web["events_waiting"] >= 0
    assert web["today"]["errors"] == 3
    assert ask("/projects/web") == web
    assert ask("/projects/WEB")["slug"] == "web"
    ask("/issues/WEB-2/merge", {"into": "WEB-1"})
    assert ask("/projects/web")["issues"] == 1


def test_unknown_project(ask: Ask) -> None:
    """A slug that there is not is 404, and the answer names those that there are."""
    assert "there is web" in ask("/projects/shop", status=404)["detail"]


def test_unknown_path(ask: Ask) -> None:
    """A path that there is not says where to look."""
    detail = ask("/isues", status=404)["detail"]
    assert detail == "there is nothing at /api/v1/isues; GET /api/v1/ lists what there is"
