import pytest

from equerry.archive import line
from equerry.events.event import Event
from equerry.events.report import ErrorFacts, MetricReport
from equerry.events.severity import Severity

ERROR = (
    b'{"timestamp":"2026-11-23T15:04:05.000Z","message":"\\"timestamp\\": \xc3\xa9\\n",'
    b'"tags":{"id":"7"},"extra":{"project":"x"}}'
)
METRIC = b'{"timestamp":"2026-11-23T15:04:05.000Z","name":"LCP","value":12.5}'


def event(kind: str, raw: bytes, **more: object) -> Event:
    """Return an event that has passed all stages."""
    fields = {"stream_id": "1795000000000-3", "id": "ab" * 16, "project": 7, **more}
    return Event(kind=kind, raw=raw, received_ms=1_795_000_000_123, **fields)


@pytest.mark.parametrize(
    ("written", "report"),
    [
        (
            event(
                "errors",
                ERROR,
                severity=Severity.HIGH,
                severity_reason="unhandled",
                fingerprint="c0ffee",
            ),
            ErrorFacts,
        ),
        (event("noise", ERROR, severity=Severity.LOW, noise="extension"), ErrorFacts),
        (event("metrics", METRIC, severity=Severity.LOW, severity_reason="metric"), MetricReport),
        (event("alerts", b'{"timestamp":"2026-11-23T15:04:05.000Z","what":"sent"}'), None),
    ],
)
def test_read_back(written: Event, report: type | None) -> None:
    """What is written is read back as it was, byte for byte, with its report."""
    encoded = line.encode(written)
    found = line.decode(encoded, written.kind)
    assert type(found.report) is (report or type(None))
    assert line.encode(found) == encoded
    for field in Event.__struct_fields__:
        if field != "report":
            assert getattr(found, field) == getattr(written, field)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\n",
        b"nonsense\n",
        b'{"_id":"1-0"}\n',
        b'{"_id":"1-0","id":"x","project":1,"received_at":"yesterday","timestamp":"","message":""}',
        b'{"_id":"1-0","id":"x","project":1,"received_at":"2026-11-23T15:04:05.678Z"}\n',
        b'{"_id":"1-0","id":"x","project":1,"received_at":"2026-11-23T15:04:05Z","timestamp":"x"}\n',
        b'{"_id":"1-0","id":"\xff","project":1}\n',
    ],
)
def test_damaged(damaged: bytes) -> None:
    """What is no event of ours is a ValueError, whatever it is."""
    with pytest.raises(ValueError, match=r"."):
        line.decode(damaged, "errors")
