"""What @sentry/node reports, the newest major and the one before, as it stands in the archive.

Both send their bodies in chunks, without a Content-Length, and name themselves in the query alone.
"""

import pytest
from real_clients import ENVIRONMENT, Clients, calls, crumbs, line_of

pytestmark = pytest.mark.e2e

MAJORS = {"newest": "@sentry/node", "previous": "sentry-node-previous"}
SCRIPT = "node/script.mjs"
PAY = ("pay", "script.mjs", line_of(SCRIPT, "return basket.owner"))
UNDEFINED = "Cannot read properties of undefined (reading 'purse')"


@pytest.mark.parametrize("major", MAJORS)
def test_uncaught_exception_still_arrives(clients: Clients, major: str) -> None:
    """An exception that ends the process is stored whole, and its session has crashed."""
    release = f"node-crash@{major}"
    ended = clients.node(release, MAJORS[major], "crash")
    assert ended.returncode == 1, ended.stderr
    error = clients.error(release)
    assert (error["name"], error["message"]) == ("TypeError", UNDEFINED)
    assert calls(error)[-1] == PAY
    innermost = error["exceptions"][-1]["frames"][-1]
    assert innermost["context_line"].strip() == "return basket.owner.purse.pay(basket.total);"
    assert (error["level"], error["handled"]) == ("fatal", False)
    assert (error["release"], error["environment"]) == (release, ENVIRONMENT)
    assert error["user"] == "visitor-7"
    assert error["tags"]["theme"] == "dark"
    assert crumbs(error) == [("basket", "a pear was added")]
    assert error["platform"] == "node"
    assert error["sdk"].startswith("sentry.javascript.node")
    [session] = clients.stored(release, "sessions")
    assert (session["started"], session["crashed"]) == (1, 1)


@pytest.mark.parametrize("major", MAJORS)
def test_unhandled_rejection_is_reported(clients: Clients, major: str) -> None:
    """A promise that nobody awaits is an error that nobody handled."""
    release = f"node-reject@{major}"
    clients.node(release, MAJORS[major], "reject")
    error = clients.error(release)
    assert (error["name"], error["message"]) == ("RangeError", "nobody awaits this")
    assert error["handled"] is False


@pytest.mark.parametrize("major", MAJORS)
def test_cause_comes_before_the_error_that_has_it(clients: Clients, major: str) -> None:
    """`cause` is a chain, the innermost first; the one that was caught names the event."""
    release = f"node-chained@{major}"
    clients.node(release, MAJORS[major], "chained")
    error = clients.error(release)
    assert [each["type"] for each in error["exceptions"]] == ["TypeError", "Error"]
    assert (error["name"], error["message"]) == ("Error", "nobody pays for basket 7")
    assert calls(error, 0)[-1] == PAY
    assert error["handled"] is True


@pytest.mark.parametrize("major", MAJORS)
def test_message_is_a_message_whatever_comes_with_it(clients: Clients, major: str) -> None:
    """Version 11 sends a message's stack as an exception without a type; both are one message."""
    release = f"node-message@{major}"
    clients.node(release, MAJORS[major], "message")
    error = clients.error(release)
    assert error["message"] == "only 2 pears left"
    assert error.get("name", "") == ""
    assert error["level"] == "warning"


@pytest.mark.parametrize("major", MAJORS)
def test_monitored_jobs_check_in(clients: Clients, major: str) -> None:
    """Start and end of a watched job come over several connections, in any order."""
    release = f"node-monitored@{major}"
    clients.node(release, MAJORS[major], "checked_in")
    lines = clients.stored(release, "check-ins", 4)
    assert {(line["monitor"], line["status"]) for line in lines} == {
        ("count-stock", "in_progress"),
        ("count-stock", "ok"),
        ("fill-shelves", "in_progress"),
        ("fill-shelves", "error"),
    }
    assert len({line["check_in"] for line in lines}) == 2
