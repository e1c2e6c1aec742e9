"""Writes what a batch adds to its issues: one script, one packed argument.

A command for each of it would cost 40 µs an issue; packed, it is a quarter.
"""

import functools
from collections.abc import Iterable
from importlib.resources import files

import msgspec

from equerry import clock, keys
from equerry.events.grouping import fingerprint as fingerprints
from equerry.issues.rules import CULPRIT_CHARS
from equerry.issues.tally import IssueDelta
from equerry.redis_client import Pipeline, Redis

MOST_TAGS = 300
# 14 days by the hour and 100 days by the day; trimmed once there are a quarter more.
MOST_HOURS = 14 * 24
MOST_DAYS = 100
RECENT_SAMPLES = 20
# Lua's `unpack` takes no more arguments than its stack holds (8,000); the users of one batch.
MOST_USERS = 5_000
# What each report says of itself, in the order of a delta's facets; counted like tags.
FACETS = ("level", "environment", "release")

_SCRIPT = files("equerry.issues").joinpath("update.lua").read_bytes()
_FACET_TAGS = tuple(f"{key}=" for key in FACETS)
_PACKER = msgspec.msgpack.Encoder()


class Addition(msgspec.Struct, frozen=True):
    """What is added to the issue of this number. new: what it is called is not written yet."""

    number: int
    fingerprint: str
    delta: IssueDelta
    new: bool


def write(
    pipe: Pipeline | Redis, scope: str, additions: Iterable[Addition], *, staged: bool = False
) -> None:
    """Add to the issues, in a transaction or by itself.

    staged: to the copy that a rebuild makes, which takes the index's place when it is whole.
    """
    packed = [_packed(addition) for addition in additions]
    if packed:
        place = keys.staged(scope) if staged else scope
        pipe.eval(
            _SCRIPT,
            2,
            keys.issue(place, ""),
            keys.issues(place),
            MOST_TAGS,
            RECENT_SAMPLES,
            MOST_HOURS,
            MOST_DAYS,
            _PACKER.encode(packed),
        )


def _packed(addition: Addition) -> tuple[object, ...]:
    delta = addition.delta
    samples = delta.samples
    if samples[-1].place != delta.last.place:
        samples = [*samples, delta.last]
    tags = _tags(delta)
    releases = [name for name in delta.since if name]
    latest = sorted(releases, key=delta.releases.__getitem__)
    return (
        addition.number,
        delta.count,
        delta.first_ms,
        delta.last_ms,
        _facts(addition) if addition.new else {},
        {_hour(hour): number for hour, number in delta.hours.items()},
        list(delta.users)[:MOST_USERS],
        list(tags),
        list(tags.values()),
        samples,
        (releases[0], latest[-1]) if releases else ("", ""),
    )


def _facts(addition: Addition) -> dict[str, str]:
    report = addition.delta.report
    return {
        "title": addition.delta.title,
        "culprit": fingerprints.culprit(report)[:CULPRIT_CHARS],
        "platform": report.platform,
        "fingerprint": addition.fingerprint,
        "version": str(fingerprints.VERSION),
    }


@functools.lru_cache(maxsize=64)
def _hour(hour: int) -> str:
    return clock.hour(hour * 3_600_000)


def _tags(delta: IssueDelta) -> dict[str, int]:
    """Count `key=value`; what the report says itself goes before a tag of the same name."""
    own: dict[str, int] = {}
    for facet, number in delta.facets.items():
        for key, value in zip(FACETS, facet, strict=True):
            if value:
                tag = f"{key}={value}"
                own[tag] = own.get(tag, 0) + number
    if not delta.tags:
        return own
    tags = {tag: number for tag, number in delta.tags.items() if not tag.startswith(_FACET_TAGS)}
    return own | tags  # its own first: they take their places before a flood
