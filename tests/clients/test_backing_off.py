"""A refusal makes each SDK hold its peace, seen by counting its requests with an event.

Rates are by kind: what the client says of sessions and of its own drops may go on meanwhile.

The door lets a few events through and then one every hundred seconds; each client makes thirty,
and waits for each to be sent before it makes the next.
"""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from browser import Browser
from installation import Installation, short_folder
from real_clients import Clients
from relay import Passed, Relay

from api import body
from equerry.events.sentry import envelope

pytestmark = pytest.mark.e2e

SECONDS_BETWEEN = 100
DAY_SECONDS = 86_400
LIMITS = "[api]\nrate_per_key = 0.01\nburst_seconds = 300.0\n"
# What the burst holds, and the one that is due again at once.
LET_THROUGH = 4
# Messages that a client makes.
MADE = 30
# What was on its way when the refusal came: a session goes beside its event.
ON_THE_WAY = 1
SDKS = ("python", "node-newest", "node-previous", "browser-newest", "browser-previous")


@pytest.fixture(scope="module")
def narrow() -> Iterator[Installation]:
    """A door that lets little through, with a project for each SDK."""
    yield from door_with(LIMITS)


@pytest.fixture(scope="module")
def brisk() -> Iterator[Installation]:
    """A door that lets an event through each second."""
    yield from door_with("[api]\nrate_per_key = 1.0\nburst_seconds = 1.0\n")


@pytest.fixture(scope="module")
def rationed() -> Iterator[Installation]:
    """A door whose projects have a quota for the day."""
    tables = [
        f'[[projects]]\nid = {number}\nslug = "{sdk}"\nkey = "{Installation.key(number)}"\n'
        f"quota_per_day = {LET_THROUGH}\n"
        for number, sdk in enumerate(SDKS, 1)
    ]
    yield from door_with("".join(tables), projects=())


def door_with(toml: str, projects: tuple[str, ...] = SDKS) -> Iterator[Installation]:
    """Run a door with these settings, and nothing behind it."""
    with short_folder() as folder:
        door = Installation(folder, lines=("api",), projects=projects, toml=toml)
        try:
            door.start()
            yield door
        finally:
            door.close()


def made_thirty(door: Installation, sdk: str, flood: Callable[[Clients], object]) -> list[Passed]:
    """Return what was posted with an event in it while a client made its thirty."""
    with Relay(door.port) as relay:
        flood(Clients(door, relay, SDKS.index(sdk) + 1))
        return [each for each in relay.posts() if has_event(each)]


def has_event(post: Passed) -> bool:
    """Whether an envelope holds an event."""
    encoding = post.headers.get("content-encoding", "")
    raw = body.read(io.BytesIO(post.body), len(post.body), encoding, body.ENVELOPE)
    return any(item.type == "event" for item in envelope.split(raw).items)


def check(posts: list[Passed], at_most_seconds: int = 2 * SECONDS_BETWEEN) -> None:
    """Let through while there is room, refused with both headers, and then silence."""
    statuses = [each.status for each in posts]
    refused = statuses.index(429)
    assert refused <= LET_THROUGH, statuses
    assert set(statuses[:refused]) == {200}
    assert len(statuses) - refused <= 1 + ON_THE_WAY, statuses
    headers = posts[refused].answered
    seconds = int(headers["retry-after"])
    assert 1 <= seconds <= at_most_seconds
    assert headers["x-sentry-rate-limits"].startswith(f"{seconds}:")


def test_python_backs_off(narrow: Installation) -> None:
    """sentry-sdk sends nothing more once it was refused."""
    check(made_thirty(narrow, "python", lambda one: one.python("f@1", "script.py", "flood")))


@pytest.mark.parametrize("major", ["newest", "previous"])
def test_node_backs_off(narrow: Installation, major: str) -> None:
    """@sentry/node sends nothing more once it was refused."""
    package = {"newest": "@sentry/node", "previous": "sentry-node-previous"}[major]
    check(made_thirty(narrow, f"node-{major}", lambda one: one.node("f@1", package, "flood")))


@pytest.mark.parametrize("major", ["newest", "previous"])
def test_browser_backs_off(narrow: Installation, site: Relay, browser: Browser, major: str) -> None:
    """@sentry/browser sends nothing more: the door exposes the headers to a page of elsewhere."""

    def flood(one: Clients) -> None:
        browser.open(f"{site.url}/{major}/shop.html", one.settings("f@1"), "shop")
        browser.click("#flood")
        browser.await_title("flooded")

    check(made_thirty(narrow, f"browser-{major}", flood))


def test_quota_that_is_used_up_silences_too(rationed: Installation) -> None:
    """A quota's refusal lasts until its window ends, and each SDK holds its peace until then."""
    python = made_thirty(rationed, "python", lambda one: one.python("f@1", "script.py", "flood"))
    check(python, DAY_SECONDS)
    package = "@sentry/node"
    node = made_thirty(rationed, "node-newest", lambda one: one.node("f@1", package, "flood"))
    check(node, DAY_SECONDS)


def test_each_comes_back_when_it_was_told_to(brisk: Installation) -> None:
    """A refusal for two seconds is one for two seconds, not for the minute of a bare 429."""
    with Relay(brisk.port) as relay, ThreadPoolExecutor() as both:
        programs = [
            both.submit(Clients(brisk, relay, 1).python, "f@1", "script.py", "trickle"),
            both.submit(Clients(brisk, relay, 2).node, "f@1", "@sentry/node", "trickle"),
        ]
        assert [each.result().returncode for each in programs] == [0, 0]
        for project in (1, 2):
            posts = [
                each
                for each in relay.posts()
                if f"/api/{project}/" in each.path and has_event(each)
            ]
            statuses = [each.status for each in posts]
            after = statuses[statuses.index(429) :]
            assert 200 in after, statuses
            assert len(statuses) < MADE, statuses
