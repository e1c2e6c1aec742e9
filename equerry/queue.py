"""The one configured Celery app, and `enqueue` for whoever starts a task by name.

Tasks carry no work, only the word that there is some: events lie in streams, notifications in the
outbox, job runs in the ledger. A lost message costs the seconds until the next sweep.
"""

from typing import NamedTuple

from celery import Celery
from kombu.exceptions import OperationalError

from equerry import keys, settings_file
from equerry.redis_client import Redis
from equerry.settings import Settings

__all__ = [
    "DECIDE",
    "DELIVER",
    "DRAIN",
    "OperationalError",
    "Task",
    "answered",
    "app",
    "enqueue",
    "ring",
]


class Task(NamedTuple):
    """A task by its name, and the queue that its workers read.

    quiet_seconds: how long a ring keeps others quiet if its task never comes (the message may be
    lost, or wait behind others).
    """

    name: str
    queue: str
    quiet_seconds: int


DRAIN = Task("workers.pipeline.drain", "pipeline", 5)
DECIDE = Task("workers.alerting.decide", "alerts", 5)
# Messages to receivers that hang may wait long for their turn.
DELIVER = Task("workers.alerting.deliver", "deliver", 60)


def broker_url(settings: Settings) -> str:
    """Return the Redis URL in Celery's spelling."""
    url = settings.redis_url
    return f"redis+socket://{url.removeprefix('unix://')}" if url.startswith("unix://") else url


def _configuration() -> dict[str, object]:
    settings = settings_file.load()
    return {
        "broker_url": broker_url(settings),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_pool_limit": 2,
        "broker_transport_options": {
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "queue_order_strategy": "priority",
            "global_keyprefix": "celery:",
        },
        "task_ignore_result": True,
        "task_default_queue": DRAIN.queue,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": False,  # a message is a ring at the door: nothing is lost with it
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_soft_shutdown_timeout": 3.0,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_send_task_events": True,
        "timezone": settings.timezone,
        "enable_utc": True,
    }


def make_app() -> Celery:
    """Return the app; its settings are read when they are first needed."""
    app = Celery("equerry")
    app.add_defaults(_configuration)
    return app


app = make_app()


def enqueue(task: Task, *arguments: object) -> None:
    """Send a task. Raises OperationalError where the broker is away."""
    app.send_task(task.name, args=arguments, queue=task.queue, retry=False)


def ring(redis: Redis, task: Task, *arguments: str) -> bool:
    """Enqueue the task with these arguments unless one waits already; it takes the bell off first.

    The first argument is a scope. Returns whether it rang. Raises OperationalError or RedisError.
    """
    if not redis.set(_bell(task, arguments), b"1", nx=True, ex=task.quiet_seconds):
        return False
    enqueue(task, *arguments)
    return True


def answered(redis: Redis, task: Task, *arguments: str) -> None:
    """Take the bell off: what comes from now on needs a ring of its own."""
    redis.delete(_bell(task, arguments))


def _bell(task: Task, arguments: tuple[str, ...]) -> str:
    scope, *rest = arguments
    return keys.ring(scope, ":".join((task.name, *rest)))
