"""The settings tree: every setting, its default and its unit, as frozen structs.

`settings_file.load` reads it once, from `equerry.toml` and `EQUERRY_*`.
"""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from equerry.alert_settings import Alerts
from equerry.events.severity import DEFAULT_RULES, Rule
from equerry.section import Count, Seconds, Section

MIB = 1024 * 1024
GIB = 1024 * MIB

# sun_path holds 108 bytes on Linux and 104 on macOS, its closing zero included.
SOCKET_PATH_MAX_BYTES = 103

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Project(Section, frozen=True):
    """A site or service that reports here."""

    id: Annotated[int, msgspec.Meta(ge=1)]
    """A number that never changes: the archive and Redis know the project by it."""
    slug: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
    """Its name in alerts and metrics: a-z, 0-9 and hyphens."""
    key: Annotated[str, msgspec.Meta(min_length=16, max_length=64)]
    """The public key that a reporter sends; it grants nothing but reporting."""
    origins: tuple[str, ...] = ("*",)
    """Web origins that may report, e.g. `https://example.org`; `*` is any."""
    quota_per_minute: Count = 0
    """Events accepted in a minute of the clock; beyond it the answer is 429. 0 is no quota."""
    quota_per_hour: Count = 0
    """Events accepted in an hour of the clock; 0 is no quota."""
    quota_per_day: Count = 0
    """Events accepted on a day of UTC; 0 is no quota."""


class Redis(Section, frozen=True):
    """Where the index and the queues live."""

    url: str = ""
    """Empty: `equerry up` runs its own Valkey on a Unix socket."""
    fsync: Literal["always", "everysec"] = "always"
    """The embedded Valkey's `appendfsync`; see docs/operations.md for the price of each."""


class Api(Section, frozen=True):
    """The door."""

    host: str = "127.0.0.1"
    """The address that the API listens on; `0.0.0.0` is every one."""
    port: Port = 8000
    """Its port."""
    rate_per_address: Seconds = 10.0
    """Events of one kind a second from one address (IPv6: one /64), averaged; 0 is no limit."""
    rate_per_key: Seconds = 0.0
    """Events of one kind a second with one project key, averaged; 0 is no limit."""
    burst_seconds: Seconds = 5.0
    """How many seconds' worth of the rate may come at once."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed, e.g. `10.0.0.0/8`."""
    metrics_token: str = ""
    """Bearer token for /metrics; without one it answers to loopback only."""


class Dashboard(Section, frozen=True):
    """The operator's port."""

    host: str = "127.0.0.1"
    """The address that the operator's port listens on; keep it on loopback, or behind a proxy."""
    port: Port = 8001
    """Its port."""
    hosts: tuple[str, ...] = ()
    """Names it may be asked by besides loopback's, e.g. `equerry.internal`."""


class Flower(Section, frozen=True):
    """The operators' view of Celery."""

    host: str = "127.0.0.1"
    """Flower's /metrics and /healthcheck ask for no password: keep it on loopback."""
    port: Port = 5555
    """Flower's port."""


class Worker(Section, frozen=True):
    """The processes that drain the events."""

    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 2
    """How many batches are worked on at once; one per core is plenty."""


class Queue(Section, frozen=True):
    """How much may wait, in Redis and on the disk beside the door."""

    max_events: Count = 1_000_000
    """Events that may wait in Redis, per project; beyond it reports are refused with 429."""
    max_bytes: Count = 512 * MIB
    """Their bytes, per project; Redis needs about twice as much memory."""
    spool_max_bytes: Count = 256 * MIB
    """What the door keeps on disk while Redis is away."""
    ids_remembered: Annotated[int, msgspec.Meta(ge=1_000)] = 500_000
    """Event ids remembered to recognise a repeat, in each of two generations of an hour."""


class Archive(Section, frozen=True):
    """The JSON Lines that are the truth."""

    retention_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    """Days after which a segment is removed."""
    max_bytes: Count = 0
    """Closed segments beyond this total are removed, oldest first; 0 is no limit."""


class SourceMaps(Section, frozen=True):
    """What builds upload, so that minified stacks become readable."""

    max_bytes: Count = 10 * GIB
    """What one project's source maps may take on the disk; beyond it an upload is refused."""
    max_bundle_bytes: Count = GIB
    """One upload, unpacked."""
    max_file_bytes: Count = 128 * MIB
    """One file of it."""
    unused_days: Annotated[int, msgspec.Meta(ge=1)] = 90
    """Days after which an upload is removed that resolved nothing since."""


class Backups(Section, frozen=True):
    """The database that is backed up, and where its backups lie."""

    uri: str = ""
    """The database, `mongodb://user:password@host/?…`; without one nothing is backed up."""
    folder: str = ""
    """Where backups lie; empty: `backups` in `data_dir`. A relative one is below `data_dir`."""
    engine: Literal["equerry", "mongodump"] = "equerry"
    """`mongodump` drives that program, which must be installed; the layout is the same."""
    exclude: tuple[str, ...] = ()
    """Databases (`logs`) and collections (`shop.sessions`) that are never backed up."""
    side_by_side: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    """Collections that are read at once."""
    max_bytes: Count = 0
    """What all backups may take on the disk; a dump beyond it is refused. 0 is no limit."""
    min_free_bytes: Count = 2 * GIB
    """What must stay free on the disk; a dump that would go below it is refused."""
    recipients: tuple[str, ...] = ()
    """Public keys (age1…, ssh-ed25519 …) that backups are encrypted for; none: not encrypted."""
    trusted_keys: tuple[str, ...] = ()
    """Other machines' public keys (`equerry backup keys`), whose backups are believed here."""


class ErrorRate(Section, frozen=True):
    """Errors per page view or session; alarming where the Wilson lower bound is above it."""

    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.05
    """Errors per page view, navigation or session that are too many."""
    min_page_views: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Fewer than these say nothing."""


class Heartbeat(Section, frozen=True):
    """A URL outside that is asked for each minute: its silence says that Equerry is dead."""

    url: str = ""
    """`https://…`; any 2xx will do."""


class Sentry(Section, frozen=True):
    """Where Equerry's own faults are reported."""

    dsn: str = ""
    """A Sentry DSN; at most 10 reports a minute leave a process, so that none can feed itself."""


class SeverityTable(Section, frozen=True):
    """The severity rules, in order; given ones replace the default table."""

    rules: tuple[Rule, ...] = DEFAULT_RULES


class Settings(Section, frozen=True):
    """The whole tree."""

    timezone: str = "Europe/London"
    """The site's zone, in which daily jobs are scheduled."""
    data_dir: str = "var"
    """Where the archive, the spool and the embedded Valkey keep their files."""
    log_format: Literal["auto", "terminal", "json"] = "auto"
    """`auto`: readable on a terminal, JSON Lines otherwise."""
    projects: tuple[Project, ...] = ()
    redis: Redis = Redis()
    api: Api = Api()
    dashboard: Dashboard = Dashboard()
    flower: Flower = Flower()
    worker: Worker = Worker()
    queue: Queue = Queue()
    archive: Archive = Archive()
    source_maps: SourceMaps = SourceMaps()
    backups: Backups = Backups()
    severity: SeverityTable = SeverityTable()
    error_rate: ErrorRate = ErrorRate()
    alerts: Alerts = Alerts()
    heartbeat: Heartbeat = Heartbeat()
    sentry: Sentry = Sentry()

    @property
    def data_path(self) -> Path:
        """The data directory, absolute."""
        return Path(self.data_dir).resolve()

    @property
    def backups_path(self) -> Path:
        """Where backups lie, absolute."""
        return self.data_path / (self.backups.folder or "backups")

    @property
    def redis_url(self) -> str:
        """The configured Redis, or the embedded Valkey's socket."""
        return self.redis.url or f"unix://{self.valkey_socket}"

    @property
    def valkey_socket(self) -> Path:
        """The embedded Valkey's socket: in the data directory, or under /tmp if that is too deep.

        /tmp and not $TMPDIR, so that every process finds it, whatever its environment.
        """
        socket = self.data_path / "valkey" / "valkey.sock"
        if len(os.fsencode(socket)) <= SOCKET_PATH_MAX_BYTES:
            return socket
        name = hashlib.sha256(os.fsencode(self.data_path)).hexdigest()[:16]
        return Path("/tmp") / f"equerry-{os.getuid()}-{name}" / "valkey.sock"  # noqa: S108

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return ZoneInfo(self.timezone)

    def project(self, project_id: int) -> Project | None:
        """Return the project of this id, or None."""
        return next((project for project in self.projects if project.id == project_id), None)
