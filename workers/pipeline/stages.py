"""The stages that every event passes, in this order: an event in, an event out.

Each is pure but `resolve`, which reads source maps.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from equerry.events import noise as noises
from equerry.events import scrub as scrubbing
from equerry.events.event import ERRORS, NOISE, Event
from equerry.events.event import decode as parse
from equerry.events.grouping import fingerprint as fingerprints
from equerry.events.report import ErrorFacts, MetricReport
from equerry.events.severity import RuleTable, Severity
from equerry.source_maps import resolve as resolving
from equerry.source_maps.maps import Maps


class Tools(NamedTuple):
    """What stages work with: the severity rules, and the source maps of all projects."""

    rules: RuleTable
    maps: Maps


def decode(event: Event, _tools: Tools) -> Event:
    """Parse what the outside reported. Raises msgspec.DecodeError where it does not hold."""
    report = parse(event.kind, event.raw)
    return replace(event, report=report) if report else event


def resolve(event: Event, tools: Tools) -> Event:
    """Name the files, functions and lines as they were written, where a source map knows them.

    Costs next to nothing where a report has no script's frames, or its project no source maps.
    """
    if not isinstance(event.report, ErrorFacts) or not resolving.concerns(event.report):
        return event
    maps = tools.maps.project(event.project)
    if maps is None:
        return event
    raw = resolving.resolve(event.raw, event.report, maps)
    return event if raw is event.raw else replace(event, raw=raw, report=parse(event.kind, raw))


def noise(event: Event, _tools: Tools) -> Event:
    """Turn noise into an event of its own kind: archived and counted, neither issue nor alert."""
    if not isinstance(event.report, ErrorFacts):
        return event
    reason = noises.reason(event.report)
    return replace(event, kind=NOISE, noise=reason) if reason else event


def scrub(event: Event, _tools: Tools) -> Event:
    """Hide secrets, in the bytes that are written and in the report that rules read."""
    if event.report is None:
        return event
    raw = scrubbing.scrub(event.raw)
    if raw is event.raw:
        return event
    return replace(event, raw=raw, report=parse(event.kind, raw))


def fingerprint(event: Event, _tools: Tools) -> Event:
    """Name the issue that an error belongs to."""
    if event.kind != ERRORS or not isinstance(event.report, ErrorFacts):
        return event
    return replace(event, fingerprint=fingerprints.fingerprint(event.report))


def classify(event: Event, tools: Tools) -> Event:
    """Give the event its severity, and the name of the rule that gave it."""
    if isinstance(event.report, ErrorFacts):
        severity, reason = tools.rules.classify(event.report)
        return replace(event, severity=severity, severity_reason=reason)
    if isinstance(event.report, MetricReport):
        return replace(event, severity=Severity.LOW, severity_reason="metric")
    return event


Stage = Callable[[Event, Tools], Event]

STAGES: tuple[Stage, ...] = (decode, resolve, noise, scrub, fingerprint, classify)


class Failed(NamedTuple):
    """An event that a stage could not take."""

    event: Event
    stage: str
    error: str


def run(event: Event, tools: Tools) -> Event | Failed:
    """Fold the event through the stages."""
    for stage in STAGES:
        try:
            event = stage(event, tools)
        except Exception as error:  # noqa: BLE001, a poison event must not hold up its batch
            # Only the type: the message of an error may quote the event, which is not scrubbed yet.
            return Failed(event, stage.__name__, type(error).__name__)
    return event
