"""Events as Sentry's SDKs send them: an exception with frames, contexts, breadcrumbs, a request.

`issues` causes, seen as often as 1/rank or evenly; each has its type, its message with varying
numbers and a stack of FRAMES frames, half of them the site's own. Two in a hundred carry an e-mail
address. The same for each seed.
"""

import random
import secrets
from typing import Any

import msgspec

from bench.events import SENDER
from equerry import clock
from equerry.events.sentry import readers

KB = 1024
# Distinct events; few enough for those of 50 KB to be made in seconds.
POOL = 1_000
FRAMES = 20
SECRETS_SHARE = 0.02

_NAMES = ("TypeError", "ReferenceError", "RangeError", "ApiError", "NetworkError", "StateError")
_VERBS = ("load", "render", "update", "resolve", "select", "submit", "format", "merge", "hydrate")
_NOUNS = ("Price", "Cart", "Calendar", "Guest", "Offer", "Search", "Session", "Gallery", "Map")
_PLACES = ("app/rooms", "app/offers", "lib/search", "lib/account", "components/gallery")
_VENDORS = ("react-dom/cjs/react-dom.production", "next/dist/client/router", "swr/dist/index")
_CONTEXTS = {
    "browser": {"name": "Chrome", "version": "142.0.0"},
    "os": {"name": "Windows", "version": "10"},
    "culture": {"calendar": "gregory", "locale": "en-GB", "timezone": "Europe/London"},
    "react": {"version": "19.2.1"},
}


def _frames(dice: random.Random) -> list[dict[str, Any]]:
    frames = []
    for number in range(FRAMES):
        in_app = number % 2 == 1
        function = f"{dice.choice(_VERBS)}{dice.choice(_NOUNS)}{dice.randrange(40)}"
        # A function lives in one file.
        files = _PLACES if in_app else _VENDORS
        module = files[len(function) % len(files)]
        frames.append(
            {
                "function": function,
                "filename": f"https://example.org/_next/static/chunks/{module}.js",
                "lineno": dice.randrange(1, 400),
                "colno": dice.randrange(1, 90_000),
                "in_app": in_app,
            }
        )
    return frames


def events(
    count: int, size_bytes: int, *, issues: int, evenly: bool = False, seed: int = 1
) -> list[dict[str, Any]]:
    """Return this many events of about this size as JSON."""
    dice = random.Random(seed)
    causes = [
        (dice.choice(_NAMES), f"Cannot {dice.choice(_VERBS)} it: got {{}} of {{}}", _frames(dice))
        for _ in range(issues)
    ]
    if evenly:
        chosen = [causes[number % issues] for number in range(count)]
    else:
        chosen = dice.choices(causes, [1 / rank for rank in range(1, issues + 1)], k=count)
    return [_event(dice, *cause, size_bytes) for cause in chosen]


def _event(
    dice: random.Random, name: str, message: str, frames: list[dict[str, Any]], size_bytes: int
) -> dict[str, Any]:
    value = message.format(dice.randrange(10**6), dice.randrange(10**4))
    if dice.random() < SECRETS_SHARE:
        value += f" for guest{dice.randrange(10**4)}@example.org"
    event: dict[str, Any] = {
        "event_id": secrets.token_hex(16),
        "timestamp": 1_795_532_400.123,
        "platform": "javascript",
        "level": "error",
        "release": "web@4.18.2",
        "environment": "production",
        "transaction": f"/{dice.choice(_PLACES)}",
        "sdk": {"name": "sentry.javascript.nextjs", "version": "10.2.0"},
        "user": {"id": f"u{dice.randrange(5_000)}"},
        "tags": {"locale": "en-GB", "plan": dice.choice(("free", "team", "school"))},
        "request": {
            "url": f"https://example.org/rooms?page={dice.randrange(500)}",
            "headers": {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0"},
        },
        "contexts": _CONTEXTS,
        "exception": {
            "values": [
                {
                    "type": name,
                    "value": value,
                    "mechanism": {"type": "onerror", "handled": False},
                    "stacktrace": {"frames": frames},
                }
            ]
        },
    }
    trail: list[dict[str, Any]] = []
    while len(msgspec.json.encode(event)) < size_bytes * 0.97:
        trail += [_crumb(dice, number) for number in range(1 + size_bytes // (50 * KB) * 4)]
        event["breadcrumbs"] = trail
        if len(trail) > 90:
            event["extra"] = {"state": _state(dice, size_bytes - len(msgspec.json.encode(event)))}
            break
    return event


def _crumb(dice: random.Random, number: int) -> dict[str, Any]:
    return {
        "timestamp": 1_795_532_300 + number,
        "category": "navigation" if number % 3 else "ui.click",
        "message": f"{dice.choice(_VERBS)} {dice.choice(_NOUNS)} {dice.randrange(10**5)}",
        "data": {"target": f"#{dice.choice(_NOUNS)}-{dice.randrange(100)}"},
    }


def _state(dice: random.Random, size_bytes: int) -> list[dict[str, Any]]:
    """Return a store's content of about this size, as Redux integrations send it."""
    row = {"id": 4_821_059, "title": "Algebra for beginners", "seats": 12, "open": True, "of": "x"}
    return [
        row | {"id": dice.randrange(10**7)}
        for _ in range(max(0, size_bytes) // len(msgspec.json.encode(row)))
    ]


def raws(size_bytes: int, *, count: int = POOL, issues: int, evenly: bool = False) -> list[bytes]:
    """Return events as the door encodes what is in their envelopes."""
    now_ms = clock.now_ms()
    return [
        readers.read(envelope(event), SENDER, now_ms).accepted[0].raw
        for event in events(count, size_bytes, issues=issues, evenly=evenly)
    ]


def envelope(event: dict[str, Any]) -> bytes:
    """Return the envelope that an SDK sends it in."""
    payload = msgspec.json.encode(event)
    header = msgspec.json.encode({"event_id": event["event_id"], "sent_at": "2026-11-24T10:00:00Z"})
    item = msgspec.json.encode({"type": "event", "length": len(payload)})
    return b"\n".join((header, item, payload)) + b"\n"
