"""One line of the archive: the envelope's fields, then the event's own."""

import msgspec

from equerry import clock
from equerry.events.event import Event
from equerry.events.event import decode as parse
from equerry.events.severity import Severity

# The first key of an event's own JSON. Nothing before it can hold a quote, see `encode`.
_OWN = b'"timestamp":'


class _Envelope(msgspec.Struct, frozen=True):
    """What `encode` puts before the event's own fields."""

    stream_id: str = msgspec.field(name="_id")
    id: str
    project: int
    received_at: str
    severity: Severity | None = None
    severity_reason: str = ""
    fingerprint: str = ""
    noise: str = ""


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def encode(event: Event) -> bytes:
    """Return the line with its newline.

    The event's JSON is spliced in as it is: it was encoded by the door or the scrub stage, so it
    starts with `{"timestamp":` and holds no newline. Everything spliced before it is ours and needs
    no escaping: ids, names from our own tables, numbers.
    """
    rated = ""
    if event.severity is not None:
        rated = f'"severity":"{event.severity}","severity_reason":"{event.severity_reason}",'
    grouped = f'"fingerprint":"{event.fingerprint}",' if event.fingerprint else ""
    named = f'"noise":"{event.noise}",' if event.noise else ""
    head = (
        f'{{"_id":"{event.stream_id}","id":"{event.id}","project":{event.project},'
        f'"received_at":"{clock.rfc3339(event.received_ms)}",{rated}{grouped}{named}'
    )
    return b"%b%b\n" % (head.encode(), event.raw[1:])


def decode(line: bytes, kind: str) -> Event:
    """Return the event that `encode` wrote; kind: the archive's folder that it was read from.

    Raises ValueError where the line is none of ours, or damaged.
    """
    envelope = _ENVELOPE.decode(line)
    own = line.find(_OWN)
    if own < 0:
        raise ValueError("the line holds no event")
    return Event(
        stream_id=envelope.stream_id,
        id=envelope.id,
        kind=kind,
        project=envelope.project,
        received_ms=clock.parse_ms(envelope.received_at),
        raw=b"{" + line[own:].rstrip(b"\n"),
        report=parse(kind, line),
        noise=envelope.noise,
        fingerprint=envelope.fingerprint,
        severity=envelope.severity,
        severity_reason=envelope.severity_reason,
    )


def stream_id(line: bytes) -> bytes:
    """Return the `_id` of an encoded line; empty where it has none."""
    if not line.startswith(b'{"_id":"'):
        return b""
    return line[8 : line.index(b'"', 8)]


def identity(line: bytes) -> bytes:
    """Return what an encoded line begins with up to its project: equal for a line and its repeat.

    `_id`s alone are not: each project's stream gives its own.
    """
    return line.partition(b',"received_at":')[0]


def is_of(line: bytes, project: int) -> bool:
    """Whether an encoded line is an event of this project."""
    return identity(line).endswith(b',"project":%d' % project)
