import pytest
from operators import Ask, Report

from equerry.settings import Settings


def test_events_of_an_issue(ask: Ask, report: Report) -> None:
    """The events at hand come newest first, as archived and scrubbed, without inner ids."""
    first = report("alpha", extra={"password": "hunter2"})
    second = report("alpha")
    seen = ask("/issues/WEB-1/events")
    assert [each["id"] for each in seen["events"]] == [*second, *first]
    assert seen["next"] == ""
    event = seen["events"][1]
    assert event["missing"] == ""
    assert event["event"]["message"] == "alpha"
    assert event["event"]["severity"] in {"critical", "high", "medium", "low"}
    assert "_id" not in event["event"]
    assert "hunter2" not in str(seen)


def test_events_by_pages(ask: Ask, report: Report) -> None:
    """Pages of events hold each once, also while more arrive."""
    sent = [report("alpha")[0] for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    while not seen or cursor:
        page = ask(f"/issues/WEB-1/events?limit=3&cursor={cursor}")
        seen += [each["id"] for each in page["events"]]
        cursor = page["next"]
        report("alpha")
    assert seen == sent[::-1]


@pytest.mark.parametrize("cursor", ["x", "1", "1-x", "-"])
def test_a_cursor_that_no_page_gave(ask: Ask, report: Report, cursor: str) -> None:
    """It is refused by its name."""
    report("alpha")
    [cause] = ask(f"/issues/WEB-1/events?cursor={cursor}", status=400)["causes"]
    assert cause["field"] == "cursor"


def test_an_event_that_is_gone(ask: Ask, report: Report, settings: Settings) -> None:
    """It is listed, and says why it is not shown."""
    [id_] = report("alpha")
    for path in (settings.data_path / "archive" / "errors").glob("*/*"):
        path.unlink()
    [event] = ask("/issues/WEB-1/events")["events"]
    assert event["id"] == id_
    assert event["event"] is None
    assert "not in this archive" in event["missing"]


def test_one_event(ask: Ask, report: Report) -> None:
    """An event is found by its id in any spelling, and names its project and issue."""
    [id_] = report("alpha", release="1.2")
    report("beta")
    found = ask(f"/events/{id_}")
    assert (found["id"], found["project"], found["issue"]) == (id_, "web", "WEB-1")
    assert found["event"]["release"] == "1.2"
    ask("/issues/WEB-1/merge", {"into": "WEB-2"})
    assert ask(f"/events/{id_}")["issue"] == "WEB-2"
    ask("/issues/WEB-1/unmerge", {})
    dashed = f"{id_[:8]}-{id_[8:]}".upper()
    assert ask(f"/events/{dashed}") == found


def test_why_an_event_belongs_to_its_issue(ask: Ask, report: Report) -> None:
    """The explanation names the algorithm's version and comes to the archived fingerprint."""
    [id_] = report("alpha")
    found = ask(f"/events/{id_}/explain")
    assert (found["id"], found["issue"]) == (id_, "WEB-1")
    assert found["explanation"]["fingerprint"] == found["fingerprint"]
    assert isinstance(found["explanation"]["version"], int)
    ask(f"/events/{'0' * 32}/explain", status=404)


@pytest.mark.parametrize("id_", ["0" * 32, "x", '","project":1', "é"])
def test_an_event_that_there_is_not(ask: Ask, report: Report, id_: str) -> None:
    """What names no event is 404."""
    report("alpha")
    assert "no event" in ask(f"/events/{id_}", status=404)["detail"]
