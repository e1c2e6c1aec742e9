"""What @sentry/browser and @sentry/react report from a real Chromium, as it stands in the archive.

The pages are served from another origin than the door's, so that what a browser does not let a page
do is seen here and nowhere else.
"""

from typing import Any

import pytest
from browser import Browser
from installation import wait_until
from real_clients import ENVIRONMENT, Clients, crumbs
from relay import Relay

pytestmark = pytest.mark.e2e

MAJORS = ("newest", "previous")
# After an unhandled error a page lives on: version 11 says `unhandled`, version 10 said `crashed`.
CRASHED = {"newest": 0, "previous": 1}
UNDEFINED = "Cannot read properties of undefined (reading 'amount')"


@pytest.mark.parametrize("major", MAJORS)
def test_page_reports_its_visit_and_its_error(
    clients: Clients, site: Relay, browser: Browser, major: str
) -> None:
    """An error in a handler comes with its stack, what led to it, who it was, and its session."""
    release = f"page-error@{major}"
    browser.open(f"{site.url}/{major}/shop.html", clients.settings(release), "shop")
    browser.click("#chat")
    browser.click("#ask")
    browser.await_title("answered")
    browser.click("#pay")
    error = clients.error(release)
    assert (error["name"], error["message"]) == ("TypeError", UNDEFINED)
    frames = error["exceptions"][-1]["frames"]
    assert frames[-1]["filename"] == f"{site.url}/{major}/shop.js"
    assert frames[-1]["lineno"] > 0
    assert frames[-1]["colno"] > 0
    assert "Array.reduce" in [frame["function"] for frame in frames]
    assert (error["level"], error["handled"]) == ("error", False)
    assert (error["release"], error["environment"]) == (release, ENVIRONMENT)
    assert error["user"] == "visitor-7"
    assert error["tags"]["theme"] == "dark"
    assert error["url"] == f"{site.url}/{major}/shop.html"
    assert "Chrome/" in error["user_agent"]
    assert error["platform"] == "javascript"
    assert crumbs(error) == [
        ("ui.click", "body > button#chat"),
        ("console", "two pears on the scales"),
        ("ui.click", "body > button#ask"),
        ("fetch", ""),
        ("ui.click", "body > button#pay"),
    ]
    begun, ended = clients.stored(release, "sessions", 2)
    assert begun["visit"] == ended["visit"]
    assert (begun["started"], begun.get("errored", 0)) == (1, 0)
    assert (ended.get("started", 0), ended["errored"]) == (0, 1)
    assert ended.get("crashed", 0) == CRASHED[major]


@pytest.mark.parametrize("major", MAJORS)
def test_unhandled_rejection_and_message_are_reported(
    clients: Clients, site: Relay, browser: Browser, major: str
) -> None:
    """A promise that nobody awaits is an unhandled error; a message keeps its level."""
    release = f"page-others@{major}"
    browser.open(f"{site.url}/{major}/shop.html", clients.settings(release), "shop")
    browser.click("#reject")
    browser.click("#say")
    told = {error["message"]: error for error in clients.stored(release, count=2)}
    rejection = told["nobody awaits this"]
    assert (rejection["name"], rejection["handled"]) == ("RangeError", False)
    message = told["only 2 pears left"]
    assert (message.get("name", ""), message["level"]) == ("", "warning")


@pytest.mark.parametrize("major", MAJORS)
def test_react_boundary_tells_the_component(
    clients: Clients, site: Relay, browser: Browser, major: str
) -> None:
    """A boundary's error is a handled one; the component's stack comes as its first cause."""
    release = f"kiosk@{major}"
    browser.open(f"{site.url}/{major}/kiosk.html", clients.settings(release), "kiosk")
    browser.click("#pay")
    assert browser.text("#sorry") == "Sorry"
    error = clients.error(release)
    assert (error["name"], error["message"]) == ("TypeError", UNDEFINED)
    assert [each["type"] for each in error["exceptions"]] == [
        "React ErrorBoundary TypeError",
        "TypeError",
    ]
    assert "section" in [frame["function"] for frame in error["exceptions"][0]["frames"]]
    assert error["handled"] is True
    assert error["contexts"]["react"]["version"].startswith("19.")


@pytest.mark.parametrize("major", MAJORS)
def test_tunnel_reports_without_the_doors_address(
    clients: Clients, site: Relay, browser: Browser, major: str
) -> None:
    """With `tunnel`, all goes to a path of the site's own, and only the envelope names the key."""
    release = f"tunnel@{major}"
    settings = clients.settings(release, tunnel="/hello")
    browser.open(f"{site.url}/{major}/shop.html", settings, "shop")
    browser.click("#pay")
    assert clients.error(release)["message"] == UNDEFINED
    clients.stored(release, "sessions", 2)
    assert {post.path for post in site.posts()} == {"/hello"}
    assert clients.relay.passed == []


@pytest.mark.parametrize("major", MAJORS)
def test_traced_page_tells_its_vitals(
    clients: Clients, site: Relay, browser: Browser, major: str
) -> None:
    """Vitals come with the page that they were of, or without a route where the SDK tells none.

    Version 11 streams spans and calls every page `Pageload`; version 10 sends transactions.
    """
    release = f"traced@{major}"
    path = f"/{major}/traced.html"
    browser.open(f"{site.url}{path}", clients.settings(release), "traced")
    browser.click("h1")
    vitals = {line["name"]: line for line in clients.stored(release, "metrics", 3)}
    assert vitals.keys() == {"LCP", "FCP", "TTFB"}
    for name in ("FCP", "TTFB"):
        assert (vitals[name]["route"], vitals[name]["url"]) == (path, f"{site.url}{path}")
    assert len({vital["metric_id"] for vital in vitals.values()}) == 1
    assert all(0 < vital["value"] < 60_000 for vital in vitals.values())
    browser.open("about:blank", {}, "")
    wait_until(lambda: "INP" in named(clients, release), "the click's INP is stored")
    assert {vital.get("route", "") for vital in named(clients, release).values()} <= {"", path}


def named(clients: Clients, release: str) -> dict[str, dict[str, Any]]:
    """Return a release's vitals so far, by name."""
    lines = clients.equerry.archive("metrics")
    return {line["name"]: line for line in lines if line.get("release") == release}


def test_browser_asks_for_no_preflight(clients: Clients, site: Relay, browser: Browser) -> None:
    """An envelope is a simple request: the key is in the query, and no OPTIONS goes before."""
    release = "simple@1.0"
    browser.open(f"{site.url}/newest/shop.html", clients.settings(release), "shop")
    browser.click("#pay")
    clients.error(release)
    assert {each.method for each in clients.relay.passed} == {"POST"}
    assert all(each.answered["access-control-allow-origin"] for each in clients.relay.passed)


def test_chromium_reports_what_a_policy_forbade(
    clients: Clients, site: Relay, browser: Browser
) -> None:
    """Chromium itself reports a violation to where the page's policy says, and it is an error."""
    report_uri = f"{clients.relay.url}/api/1/security/?sentry_key={clients.equerry.key()}"
    site.page_headers["Content-Security-Policy"] = f"img-src 'self'; report-uri {report_uri}"
    browser.open(f"{site.url}/newest/shop.html", clients.settings("policy@1.0"), "shop")
    browser.click("#peek")
    url = f"{site.url}/newest/shop.html"

    def violations() -> list[dict[str, Any]]:
        lines = clients.equerry.archive("errors")
        return [line for line in lines if line.get("url") == url and line["level"] == "warning"]

    wait_until(violations, "the violation is stored")
    [error] = violations()
    assert error["message"] == "Blocked https://pixels.example by img-src"
    assert error["tags"]["directive"] == "img-src"
    assert "Chrome/" in error["user_agent"]
