import msgspec
from operators import Ask, Report, Take

from equerry import clock
from equerry.events.intake import Sender
from equerry.events.sentry import readers


def envelope(type_: str, item: dict[str, object]) -> bytes:
    """Return an envelope with one item, as an SDK frames it."""
    return b"\n".join((b"{}", msgspec.json.encode({"type": type_}), msgspec.json.encode(item)))


def test_releases(ask: Ask, report: Report, take: Take) -> None:
    """A release is shown with its sessions; what nobody counted of one is null, not 0 or 100%."""
    assert ask("/projects/web/releases") == {"releases": []}
    report("broke", release="1.0")
    session = {
        "sid": "0" * 32,
        "init": True,
        "status": "crashed",
        "timestamp": clock.rfc3339(clock.now_ms()),
        "started": clock.rfc3339(clock.now_ms()),
        "attrs": {"release": "1.1"},
    }
    take(readers.read(envelope("session", session), Sender("test", ""), clock.now_ms()))
    found = {each["release"]: each for each in ask("/projects/web/releases")["releases"]}
    assert found["1.0"]["events"] == 1
    assert found["1.0"]["crash_free_sessions"] is None
    assert (found["1.1"]["sessions"], found["1.1"]["crash_free_sessions"]) == (1, 0.0)
    assert len(ask("/projects/web/releases?limit=1")["releases"]) == 1


def test_monitors(ask: Ask, take: Take) -> None:
    """A job that checked in is shown with how it went."""
    assert ask("/projects/web/monitors") == {"monitors": []}
    check_in = {"check_in_id": "0" * 32, "monitor_slug": "nightly", "status": "ok", "duration": 2}
    take(readers.read(envelope("check_in", check_in), Sender("test", ""), clock.now_ms()))
    [monitor] = ask("/projects/web/monitors")["monitors"]
    assert (monitor["monitor"], monitor["status"], monitor["duration_seconds"]) == (
        "nightly",
        "ok",
        2.0,
    )


def test_of_a_project_that_there_is_not(ask: Ask) -> None:
    """Both are 404 for an unknown slug, and say which there are."""
    for what in ("releases", "monitors"):
        assert "there is web" in ask(f"/projects/shop/{what}", status=404)["detail"]
