"""One event on its way through the pipeline: what each stage adds to it."""

import msgspec

from equerry.events.report import (
    CheckInReport,
    DropReport,
    ErrorFacts,
    FeedbackReport,
    LogReport,
    MetricReport,
    Report,
    SessionReport,
)
from equerry.events.severity import Severity

ERRORS = "errors"
METRICS = "metrics"
SESSIONS = "sessions"
CHECK_INS = "check-ins"
DROPS = "drops"
LOGS = "logs"
FEEDBACK = "feedback"
NOISE = "noise"
ALERTS = "alerts"
JOBS = "jobs"
ISSUES = "issues"

# What the outside reports: kind → what the pipeline reads of it. Noise is an error set apart.
REPORTED: dict[str, type[Report]] = {
    ERRORS: ErrorFacts,
    METRICS: MetricReport,
    SESSIONS: SessionReport,
    CHECK_INS: CheckInReport,
    DROPS: DropReport,
    LOGS: LogReport,
    FEEDBACK: FeedbackReport,
}
_DECODERS = {
    kind: msgspec.json.Decoder(form) for kind, form in (*REPORTED.items(), (NOISE, ErrorFacts))
}
# Equerry's own records: they pass the stages untouched.
OWN = frozenset({ALERTS, JOBS, ISSUES})


def decode(kind: str, raw: bytes) -> Report | None:
    """Return what a report says; None for Equerry's own records. Raises msgspec.DecodeError."""
    decoder = _DECODERS.get(kind)
    return decoder.decode(raw) if decoder else None


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted event.

    stream_id: its place in the stream, `<ms>-<n>`; the archive's `_id`.
    kind: the archive's folder. received_ms: the door's clock, epoch milliseconds.
    raw: its JSON, whose first key is `timestamp`; scrubbed once the scrub stage has passed.
    report: what raw says, once the decode stage has passed; None for Equerry's own records.
    noise: why it is noise, or empty.
    """

    stream_id: str
    id: str
    kind: str
    project: int
    received_ms: int
    raw: bytes
    report: Report | None = None
    noise: str = ""
    fingerprint: str = ""
    severity: Severity | None = None
    severity_reason: str = ""
