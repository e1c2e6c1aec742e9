"""One event on its way through the pipeline: what each stage adds to it."""

import msgspec

from equerry.events.report import ErrorFacts, MetricReport
from equerry.events.severity import Severity

ERRORS = "errors"
METRICS = "metrics"
NOISE = "noise"
ALERTS = "alerts"
JOBS = "jobs"

REPORTED = frozenset({ERRORS, METRICS})
# Equerry's own records: they pass the stages untouched.
OWN = frozenset({ALERTS, JOBS})


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
    report: ErrorFacts | MetricReport | None = None
    noise: str = ""
    fingerprint: str = ""
    severity: Severity | None = None
    severity_reason: str = ""
