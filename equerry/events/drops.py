"""What clients say that they dropped, by names of which there are only so many. Pure.

Names come from outside: each would be a counter of its own. These are the SDKs' own.
"""

from equerry.events.report import DropReport

OTHER = "other"
REASONS = frozenset(
    {
        "backpressure",
        "before_send",
        "buffer_overflow",
        "cache_overflow",
        "event_processor",
        "ignored",
        "insufficient_data",
        "internal_sdk_error",
        "invalid",
        "network_error",
        "no_parent_span",
        "queue_overflow",
        "ratelimit_backoff",
        "sample_rate",
        "send_error",
        "too_big",
    }
)
CATEGORIES = frozenset(
    {
        "attachment",
        "attachment_item",
        "check_in",
        "default",
        "error",
        "feedback",
        "internal",
        "log_byte",
        "log_item",
        "metric_bucket",
        "monitor",
        "profile",
        "profile_chunk",
        "replay",
        "security",
        "session",
        "span",
        "trace_metric",
        "transaction",
        "user_report_v2",
    }
)


def name(report: DropReport) -> tuple[str, str]:
    """Return reason and category, each `other` where it is none that SDKs have."""
    reason = report.reason if report.reason in REASONS else OTHER
    category = report.category if report.category in CATEGORIES else OTHER
    return reason, category
