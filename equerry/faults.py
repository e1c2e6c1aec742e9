"""Equerry's own faults, reported through sentry-sdk where a DSN is set.

It may point at Equerry itself: at most REPORTS_PER_MINUTE leave each process, so that a fault in
handling such a report cannot feed itself.
"""

import importlib
import time
from collections import deque
from typing import Any

REPORTS_PER_MINUTE = 10


def report_to(dsn: str, release: str) -> None:
    """Send unhandled faults of this process there; nothing where the DSN is empty."""
    if not dsn:
        return
    sent: deque[float] = deque(maxlen=REPORTS_PER_MINUTE)

    def before_send(event: Any, _hint: Any) -> Any:  # noqa: ANN401, the SDK's own types differ by version
        now = time.monotonic()
        if len(sent) == REPORTS_PER_MINUTE and now - sent[0] < 60:  # noqa: PLR2004, seconds
            return None
        sent.append(now)
        return event

    # Imported here: it is 3 MB of each process, which those without a DSN do without.
    importlib.import_module("sentry_sdk").init(
        dsn=dsn,
        release=release,
        before_send=before_send,
        traces_sample_rate=0.0,
        include_local_variables=False,
        max_request_body_size="never",
        auto_session_tracking=False,
    )
