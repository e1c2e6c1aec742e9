"""What a browser or server reports, after the door has checked it and before rules see it."""

from typing import Any, Literal

import msgspec

Level = Literal["fatal", "error", "warning", "info", "debug"]
Boundary = Literal["global", "page", "component"]


class Frame(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One call of a stack, as rules read it. lineno and colno count from 1; 0 is unknown.

    filename: as the sender shows it. abs_path: its whole path or URL. in_app: None where the sender
    did not say whether it is the site's own code.
    """

    function: str = ""
    module: str = ""
    filename: str = ""
    abs_path: str = ""
    lineno: int = 0
    colno: int = 0
    in_app: bool | None = None


class Thrown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One exception as rules read it. frames: the oldest call first, as Sentry's SDKs send them."""

    type: str = ""
    value: str = ""
    module: str = ""
    frames: tuple[Frame, ...] = ()


class ErrorFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What rules read of an error; `timestamp` is the sender's clock, RFC 3339 in UTC.

    The pipeline parses no more than this of a report: the rest it only passes on, as bytes.
    handled: None where the sender did not say. stack: the text of a native report; an SDK sends
    exceptions instead, the innermost cause first, the one that was caught last.
    address: the sender's network (IPv4 /24, IPv6 /48), never the whole address.
    group_by: what the sender wants to group by (Sentry: `fingerprint`).
    transaction: the route or task that it ran in. dist: the build of a release.
    user: an id; addresses and names of people come as pseudonyms.
    debug_ids: a minified file's URL → the debug id that its source map bears.
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
    address: str = ""
    exceptions: tuple[Thrown, ...] = ()
    group_by: tuple[str, ...] = ()
    transaction: str = ""
    platform: str = ""
    dist: str = ""
    user: str = ""
    tags: dict[str, str] = {}
    debug_ids: dict[str, str] = {}


class ReportedFrame(Frame, frozen=True, omit_defaults=True, kw_only=True):
    """A frame as it is kept. vars: the names in it and what they held, pruned.

    minified: what the sender sent, where a source map told what it was.
    """

    context_line: str = ""
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()
    vars: dict[str, Any] = {}
    minified: Frame | None = None


class ReportedException(Thrown, frozen=True, omit_defaults=True, kw_only=True):
    """An exception as it is kept. mechanism: how it was caught, pruned."""

    frames: tuple[ReportedFrame, ...] = ()
    mechanism: dict[str, Any] = {}


class ErrorReport(ErrorFacts, frozen=True, omit_defaults=True, kw_only=True):
    """One error as the door writes it down.

    cut: field → its length before the door cut it. contexts, request: as an SDK sends them, pruned.
    source_maps: what was looked for to resolve the stack, and what came of it.
    """

    level: Level  # without a default, so that it is always written down
    exceptions: tuple[ReportedException, ...] = ()
    extra: dict[str, Any] = {}
    contexts: dict[str, Any] = {}
    request: dict[str, Any] = {}
    breadcrumbs: list[Any] = []
    modules: dict[str, str] = {}
    logger: str = ""
    server_name: str = ""
    sdk: str = ""
    source_maps: list[dict[str, Any]] = []
    retry_count: int = 0
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


class SessionReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Visits of one release: what an update of one session, or an aggregate of many, adds.

    visit: the id of the one session that it is about (Sentry: `sid`; a field called `session` is
    scrubbed), empty for an aggregate. user: a pseudonym (`did`), the same in all of its sessions.
    Of one session each number is 0 or 1: started where it begins (`init`), crashed and abnormal
    where its status says so, errored in every update that knows of an error (`errors` > 0) or
    crash: who counts them counts ids. Of an aggregate they are sums: started of all that ended,
    errored of those that saw an error, the crashed and abnormal included.
    """

    timestamp: str
    release: str
    environment: str = ""
    started: int = 0
    errored: int = 0
    crashed: int = 0
    abnormal: int = 0
    visit: str = ""
    user: str = ""
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}


class CheckInReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A sign of life of a scheduled job elsewhere. duration_seconds: None where not told.

    config: the schedule that its SDK describes (`monitor_config`), pruned.
    """

    timestamp: str
    monitor: str
    status: Literal["in_progress", "ok", "error"]
    check_in: str = ""
    duration_seconds: float | None = None
    release: str = ""
    environment: str = ""
    config: dict[str, Any] = {}
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}


class DropReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a client itself dropped: reason and category as it names them, and how many."""

    timestamp: str
    reason: str
    category: str
    quantity: int
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}


class LogReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line of a site's own log."""

    timestamp: str
    message: str
    level: str = "info"
    attributes: dict[str, Any] = {}
    trace: str = ""
    release: str = ""
    environment: str = ""
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}


class FeedbackReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a visitor wrote. event: the id of the error that it is about, where there is one."""

    timestamp: str
    message: str
    name: str = ""
    email: str = ""
    event: str = ""
    url: str = ""
    release: str = ""
    environment: str = ""
    tags: dict[str, str] = {}
    user_agent: str = ""
    address: str = ""
    cut: dict[str, int] = {}


Report = (
    ErrorFacts
    | MetricReport
    | SessionReport
    | CheckInReport
    | DropReport
    | LogReport
    | FeedbackReport
)
