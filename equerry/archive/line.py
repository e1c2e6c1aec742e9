"""One line of the archive: the envelope's fields, then the event's own."""

from equerry import clock
from equerry.events.event import Event


def encode(event: Event) -> bytes:
    """Return the line with its newline.

    The event's JSON is spliced in as it is: it was encoded by the door or the scrub stage, so it
    starts with `{"timestamp":` and holds no newline. Everything spliced before it is ours and needs
    no escaping: ids, names from our own tables, numbers.
    """
    parts = [
        f'{{"_id":"{event.stream_id}","id":"{event.id}","project":{event.project},',
        f'"received_at":"{clock.rfc3339(event.received_ms)}",',
    ]
    if event.severity is not None:
        parts.append(
            f'"severity":"{event.severity.value}","severity_reason":"{event.severity_reason}",'
        )
    if event.fingerprint:
        parts.append(f'"fingerprint":"{event.fingerprint}",')
    if event.noise:
        parts.append(f'"noise":"{event.noise}",')
    return "".join(parts).encode() + event.raw[1:] + b"\n"


def stream_id(line: bytes) -> bytes:
    """Return the `_id` of an encoded line; empty where it has none."""
    if not line.startswith(b'{"_id":"'):
        return b""
    return line[8 : line.index(b'"', 8)]
