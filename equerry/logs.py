"""Equerry's own logs: one event name a line, data in fields; never a secret or a payload."""

import contextlib
import contextvars
import datetime as dt
import logging
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

# What the logging module itself puts on a record; all else came in through `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# What Celery adds to its own records: whole task arguments, of no use on a line.
_NOISE = frozenset({"data", "context", "task_id", "task_name"})


_NOTHING: Mapping[str, str] = MappingProxyType({})
_bound: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar(
    "bound", default=_NOTHING
)


@contextlib.contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Put these fields on every line that is logged within: a request's or a batch's id."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {**_bound.get()} | {
        name: value
        for name, value in vars(record).items()
        if name not in _STANDARD and name not in _NOISE
    }


def _time(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class TerminalFormatter(logging.Formatter):
    """For a person: time, level, event, then `field=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end; a traceback follows on lines of its own."""
        fields = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        line = f"{_time(record)[11:]} {record.levelname.lower():8}{record.getMessage()} {fields}"
        if record.exc_info:
            line = f"{line.rstrip()}\n{self.formatException(record.exc_info)}"
        return line.rstrip()


def configure(form: Literal["auto", "terminal", "json"]) -> None:
    """Send every logger's records from INFO up to stderr in this form; once per process."""
    terminal = form == "terminal" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TerminalFormatter() if terminal else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("celery", "kombu", "amqp"):  # a line per task is the flow, not an event
        logging.getLogger(chatty).setLevel(logging.WARNING)
