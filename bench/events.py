"""Realistic errors: what a browser posts, and what the door makes of it. The same for each seed.

TEMPLATES issues, seen as often as 1/rank; each has its message with varying numbers and a stack of
ten V8 frames from a bundled site. Two in a hundred carry an e-mail address, which the scrub stage
finds and hides. None is noise unless asked for.
"""

import random
import secrets
from typing import Any

import msgspec

from equerry import clock
from equerry.events import intake
from equerry.events.intake import Sender
from equerry.stream.entry import Entry

TEMPLATES = 300
SECRETS_SHARE = 0.02
# Distinct reports; their ids are fresh each time. Large against the caches of the fingerprint.
POOL = 4_000

KB = 1024
SENDER = Sender(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "198.51.100.0/24",
)

_NAMES = ("TypeError", "ReferenceError", "RangeError", "ApiError", "NetworkError", "StateError")
_VERBS = ("load", "render", "update", "resolve", "select", "submit", "format", "merge", "hydrate")
_NOUNS = ("Price", "Cart", "Calendar", "Guest", "Offer", "Search", "Session", "Gallery", "Map")
_PAGES = ("rooms", "offers", "about", "search", "account", "gallery", "contact")


class _Template(msgspec.Struct, frozen=True):
    name: str
    message: str
    stack: str
    url: str
    component: str


def _templates(dice: random.Random) -> list[_Template]:
    chunks = [f"{dice.randrange(16**8):08x}" for _ in range(40)]
    functions = [a + b + c for a in _VERBS for b in _NOUNS for c in ("", "Async", "Inner")]
    made = []
    for number in range(TEMPLATES):
        frames = [
            f"    at {dice.choice(functions)} (https://example.org/assets/"
            f"{dice.choice(chunks)}.js:1:{dice.randrange(90_000)})"
            for _ in range(10)
        ]
        noun = dice.choice(_NOUNS)
        name = dice.choice(_NAMES)
        message = f"Cannot {dice.choice(_VERBS)} {noun.lower()} of case {number}: got {{}} of {{}}"
        page = dice.choice(_PAGES)
        made.append(
            _Template(name, message, "\n".join(frames), f"https://example.org/{page}", noun)
        )
    return made


def reports(count: int, size_bytes: int = KB, seed: int = 1) -> list[dict[str, Any]]:
    """Return this many reports as a browser posts them, of about this size as JSON."""
    dice = random.Random(seed)
    templates = _templates(dice)
    weights = [1 / rank for rank in range(1, TEMPLATES + 1)]
    chosen = dice.choices(templates, weights, k=count)
    return [_report(template, dice, size_bytes) for template in chosen]


def _report(template: _Template, dice: random.Random, size_bytes: int) -> dict[str, Any]:
    message = template.message.format(dice.randrange(10**6), dice.randrange(10**4))
    if dice.random() < SECRETS_SHARE:
        message += f" for guest{dice.randrange(10**4)}@example.org"
    report: dict[str, Any] = {
        "name": template.name,
        "message": message,
        "stack": f"{template.name}: {message}\n{template.stack}",
        "boundary": "component",
        "component": template.component,
        "url": f"{template.url}?page={dice.randrange(500)}",
        "release": "web@4.18.2",
        "environment": "production",
        "handled": True,
    }
    trail: list[dict[str, Any]] = []
    while len(msgspec.json.encode(report)) < size_bytes * 0.97:
        trail.append(
            {
                "type": "navigation" if len(trail) % 3 else "click",
                "message": f"{dice.choice(_VERBS)} {dice.choice(_NOUNS)} {dice.randrange(10**5)}",
                "data": {"target": f"#{dice.choice(_PAGES)}-{dice.randrange(100)}"},
            }
        )
        report["breadcrumbs"] = trail
    return report


def script_errors(count: int) -> list[dict[str, Any]]:
    """Return noise: what browsers say of a script of another origin."""
    return [{"name": "Error", "message": "Script error."} for _ in range(count)]


def raws(count: int = POOL, size_bytes: int = KB, seed: int = 1) -> list[bytes]:
    """Return the same reports as the door encodes them."""
    now_ms = clock.now_ms()
    return [
        intake.errors(report, SENDER, now_ms).accepted[0].raw
        for report in reports(count, size_bytes, seed)
    ]


def entries(pool: list[bytes], count: int) -> list[Entry]:
    """Return this many entries for the stream, received now, each with an id of its own."""
    now_ms = clock.now_ms()
    return [
        Entry(b"", "errors", secrets.token_hex(16), now_ms, pool[number % len(pool)])
        for number in range(count)
    ]
