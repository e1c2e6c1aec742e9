"""Equerry's own faults: reported where a DSN is set, and never in a loop."""

import gzip
import logging

import brotli
import sentry_sdk
from receivers import HttpReceiver

from equerry import faults


def test_reports_are_sent_and_bounded() -> None:
    """A fault is reported; a storm of them is cut, so that a report of a report ends."""
    with HttpReceiver() as receiver:
        dsn = f"http://key@127.0.0.1:{receiver.port}/1"
        try:
            faults.report_to(dsn, "1.0")
            for number in range(50):
                logging.getLogger("x").error("fault-%s", number)
            sentry_sdk.flush(5)
        finally:
            sentry_sdk.get_client().close()
            sentry_sdk.get_global_scope().set_client(None)
    unpack = {"gzip": gzip.decompress, "br": brotli.decompress}
    bodies = [
        unpack[request.headers["content-encoding"]](request.body) for request in receiver.requests
    ]
    events = [body for body in bodies if b"fault-" in body]  # the rest counts what was dropped
    assert len(events) == faults.REPORTS_PER_MINUTE


def test_without_a_dsn_nothing_is_set_up() -> None:
    """Reporting is off by default."""
    faults.report_to("", "1.0")
    assert not sentry_sdk.get_client().is_active()
