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
    """A task by its name, and the queue that its workers read."""

    name: str
    queue: str


DRAIN = Task("workers.pipeline.drain", "pipeline")
DECIDE = Task("workers.alerting.decide", "alerts")
DELIVER = Task("workers.alerting.deliver", "deliver")

# How long a ring keeps others quiet if its task never comes: the message may be lost.
RING_SECONDS = 5


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


def ring(redis: Redis, scope: str, task: Task) -> bool:
    """Enqueue the task for this scope unless one is waiting already; it takes the bell off first.

    Returns whether it rang. Raises OperationalError or a Redis error.
    """
    if not redis.set(keys.ring(scope, task.name), b"1", nx=True, ex=RING_SECONDS):
        return False
    enqueue(task, scope)
    return True


def answered(redis: Redis, scope: str, task: Task) -> None:
    """Take the bell off: what comes from now on needs a ring of its own."""
    redis.delete(keys.ring(scope, task.name))
