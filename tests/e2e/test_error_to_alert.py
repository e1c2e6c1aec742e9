"""A reported error, from the door to the archive and to everybody who must know."""

import time
from typing import Any

import pytest
from alerted_site import BUNDLE_SECONDS, WEBHOOK_SECRET, Site, findings
from installation import wait_until

from workers.alerting.channels.webhook import verify

pytestmark = pytest.mark.e2e

REPORT: dict[str, Any] = {
    "id": "0" * 31 + "1",
    "message": "cannot pay with an empty basket",
    "name": "TypeError",
    "stack": "TypeError: cannot pay\n    at pay (https://example.org/app.js:10:5)",
    "level": "warning",
    "boundary": "global",
    "component": "Checkout",
    "url": "https://example.org/checkout",
    "release": "web@1.2.3",
    "environment": "production",
    "user": "visitor-7",
    "tags": {"theme": "dark"},
    "extra": {"basket": {"items": 0}},
    "breadcrumbs": [{"category": "click", "message": "Pay"}],
    "timestamp": "2026-11-23T10:00:00.000Z",
    "handled": False,
    "retry_count": 2,
}
ENVELOPE = {"_id", "id", "project", "received_at", "severity", "severity_reason", "fingerprint"}


def test_error_is_archived_whole(site: Site) -> None:
    """Every field of a report is in its line of the archive, with what Equerry made of it."""
    assert site.report("web", REPORT) == [REPORT["id"]]
    site.equerry.wait_drained(site.number("web"))
    [line] = [line for line in site.equerry.archive("errors") if line["id"] == REPORT["id"]]
    assert line.keys() >= ENVELOPE
    assert {name: line.get(name) for name in REPORT} == REPORT
    assert line["project"] == site.number("web")
    assert (line["severity"], line["severity_reason"]) == ("critical", "global-boundary")
    assert len(line["fingerprint"]) == 32
    assert line["received_at"].endswith("Z")


def test_thousand_repeats_are_one_alert(site: Site) -> None:
    """1,000 reports of one error are 1,000 lines and one alert at each of three receivers."""
    error = {"name": "RangeError", "message": "one cause, many times", "boundary": "global"}
    for _ in range(10):
        site.report("repeats", *[error] * 100)
    site.settle("repeats")
    lines = [line for line in site.equerry.archive("errors") if line.get("name") == "RangeError"]
    assert len(lines) == 1000
    assert len({line["_id"] for line in lines}) == 1000
    assert len({line["fingerprint"] for line in lines}) == 1
    assert site.told_times("one cause, many times") == {"slack": 1, "webhook": 1, "email": 1}


def test_receivers_can_trust_what_they_get(site: Site) -> None:
    """The webhook's signature holds, Slack's message is of Slack's shape, the mail is threaded."""
    site.report("trust", {"name": "Trust", "message": "who said this", "boundary": "global"})
    wait_until(lambda: all(site.told_times("who said this").values()), "all three are told")
    [hook] = [each for each in site.webhook.requests if b"who said this" in each.body]
    stamp = hook.headers["x-equerry-timestamp"]
    signature = hook.headers["x-equerry-signature"]
    assert verify(WEBHOOK_SECRET, stamp, hook.body, signature, time.time())
    assert not verify(WEBHOOK_SECRET, stamp, hook.body + b" ", signature, time.time())
    [finding] = findings(hook.body.decode())
    assert (finding["rule"], finding["title"]) == ("new-issue", "Trust: who said this")
    assert hook.headers["x-equerry-delivery"] in hook.body.decode()
    [slack] = [each for each in site.slack.requests if b"who said this" in each.body]
    assert slack.headers["content-type"].startswith("application/json")
    assert b'"blocks"' in slack.body
    [mail] = [each for each in site.mail.messages if "who said this" in str(each["Subject"])]
    assert mail["To"] == "oncall@example.org"
    assert mail["Message-ID"]
    assert mail["References"]
    assert {part.get_content_type() for part in mail.iter_parts()} == {"text/plain", "text/html"}


ROUTES = {
    "global": {"slack": 1, "webhook": 1, "email": 1},
    "page": {"slack": 1, "webhook": 0, "email": 1},
    "component": {"slack": 1, "webhook": 0, "email": 0},
}


def test_severity_says_who_is_told(site: Site) -> None:
    """Critical goes to all three, high to Slack and mail, medium to Slack alone."""
    site.report(
        "routes",
        *({"message": f"broken in a {name}", "boundary": name, "stack": ""} for name in ROUTES),
    )
    site.settle("routes")
    assert {name: site.told_times(f"broken in a {name}") for name in ROUTES} == ROUTES


def test_what_follows_the_first_comes_as_one_bundle(site: Site) -> None:
    """The first of a group is told at once; two more causes come later, in one message."""
    names = ("FirstCause", "SecondCause", "ThirdCause")
    site.report("bundles", *({"name": n, "message": "m", "boundary": "global"} for n in names))
    site.settle("bundles")
    told = [each for each in site.webhook.requests if b"Cause" in each.body]
    assert [{finding["title"] for finding in findings(each.body.decode())} for each in told] == [
        {"FirstCause: m"},
        {"SecondCause: m", "ThirdCause: m"},
    ]
    assert told[1].time - told[0].time >= BUNDLE_SECONDS - 0.5
    assert site.told_times("SecondCause") == {"slack": 1, "webhook": 1, "email": 1}


def test_repeated_id_counts_once(site: Site) -> None:
    """A report that is sent again under its own id is accepted and counted once."""
    error = {"id": "abcdef" + "0" * 26, "message": "sent three times", "level": "warning"}
    assert site.report("ids", error, error) == [error["id"]] * 2
    assert site.report("ids", error) == [error["id"]]
    site.equerry.wait_drained(site.number("ids"))
    assert len([x for x in site.equerry.archive("errors") if x["id"] == error["id"]]) == 1
    page = site.equerry.ask("/metrics").body
    assert 'equerry_events_today{project="ids",what="errors"} 1.0' in page
    assert 'equerry_refused_total{project="ids",reason="repeated"} 2.0' in page


def test_metrics_are_archived_and_counted(site: Site) -> None:
    """A web vital and an event of our own are lines of the archive and in the counters."""
    number = site.number("metrics")
    answer = site.equerry.post(
        "/api/performance/metrics",
        [
            {"name": "LCP", "value": 1234.5, "id": "v6-1-2", "rating": "good"},
            {"event": "search", "duration": 87.0, "component": "SearchBox"},
        ],
        project=number,
    )
    assert answer.status == 202
    site.equerry.wait_drained(number)
    lines = {line["id"]: line for line in site.equerry.archive("metrics")}
    vital, own = (lines[id_] for id_ in answer.body["ids"])
    assert (vital["name"], vital["value"], vital["metric_id"]) == ("LCP", 1234.5, "v6-1-2")
    assert (own["event"], own["duration"], own["component"]) == ("search", 87.0, "SearchBox")
    page = site.equerry.ask("/metrics").body
    assert 'equerry_events_today{project="metrics",what="metrics"} 2.0' in page
