"""What a browser or server reports, after the door has checked it and before rules see it."""

from typing import Any, Literal

import msgspec

Level = Literal["fatal", "error", "warning", "info", "debug"]
Boundary = Literal["global", "page", "component"]


class ErrorFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What rules read of an error; `timestamp` is the sender's clock, RFC 3339 in UTC.

    The pipeline parses no more than this of a report: the rest it only passes on, as bytes.
    handled: None where the sender did not say.
    """

    timestamp: str
    message: str
    name: str = ""
    stack: str = ""
    level: Level = "error"
    boundary: Boundary | None = None
    component: str = ""
    url: str = ""
    release: str = ""
    environment: str = ""
    handled: bool | None = None
    user_agent: str = ""


class ErrorReport(ErrorFacts, frozen=True, omit_defaults=True, kw_only=True):
    """One error as the door writes it down.

    address: the sender's network (IPv4 /24, IPv6 /48), never the whole address.
    cut: field → its length before the door cut it.
    """

    level: Level  # without a default, so that it is always written down
    user: str = ""
    tags: dict[str, str] = {}
    extra: dict[str, Any] = {}
    breadcrumbs: list[Any] = []
    retry_count: int = 0
    address: str = ""
    cut: dict[str, int] = {}


class MetricReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One measurement: a web vital (`name`, `value`, `metric_id`) or our own (`event`, `duration`).

    value is in the metric's own unit (milliseconds; CLS has none); duration is in milliseconds.
    """

    timestamp: str
    name: str = ""
    value: float | None = None
    metric_id: str = ""
    rating: str = ""
    delta: float | None = None
    navigation_type: str = msgspec.field(default="", name="navigationType")
    navigation_id: str = msgspec.field(default="", name="navigationId")
    navigation_url: str = msgspec.field(default="", name="navigationURL")
    attribution: dict[str, Any] = {}
    event: str = ""
    duration: float | None = None
    component: str = ""
    url: str = ""
    route: str = ""
    device: str = ""
    connection: str = ""
    release: str = ""
    environment: str = ""
    tags: dict[str, str] = {}
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}
