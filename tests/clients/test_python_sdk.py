"""What sentry-sdk for Python reports, as it stands in the archive."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CLIENTS
from installation import wait_until
from real_clients import ENVIRONMENT, RUN_SECONDS, Clients, calls, crumbs, line_of

pytestmark = pytest.mark.e2e

SCRIPT = "python/script.py"
SHARE = ("share", "script.py", line_of(SCRIPT, "return total // payers"))
PAY = ("pay", "script.py", line_of(SCRIPT, "return share("))


def test_crash_at_exit_still_arrives(clients: Clients) -> None:
    """An exception that ends the interpreter is stored whole: the SDK sends it on its way out."""
    ended = clients.python("crash@1.0", "script.py", "crash")
    assert ended.returncode == 1
    error = clients.error("crash@1.0")
    assert (error["name"], error["message"]) == (
        "ZeroDivisionError",
        "integer division or modulo by zero",
    )
    assert calls(error)[-2:] == [PAY, SHARE]
    innermost = error["exceptions"][-1]["frames"][-1]
    assert innermost["context_line"].strip() == "return total // payers"
    assert innermost["vars"] == {"total": "12", "payers": "0"}
    assert innermost["in_app"] is True
    assert (error["level"], error["handled"]) == ("error", False)
    assert (error["release"], error["environment"]) == ("crash@1.0", ENVIRONMENT)
    assert error["user"] == "visitor-7"
    assert error["tags"]["theme"] == "dark"
    assert crumbs(error) == [("basket", "a pear was added")]
    assert error["platform"] == "python"
    assert error["sdk"].startswith("sentry.python")


def test_crash_is_an_alert(clients: Clients) -> None:
    """An SDK's new error is told like a native one, with the severity of what nobody handled."""
    clients.python("alerted@1.0", "script.py", "crash")
    error = clients.error("alerted@1.0")
    assert (error["severity"], error["severity_reason"]) == ("high", "unhandled")
    title = f"{error['name']}: {error['message']}"

    def told() -> bool:
        lines = clients.equerry.archive("alerts")
        return any(line["what"] == "first" and line["title"] == title for line in lines)

    wait_until(told, "the new issue is decided to be told")


def test_cause_comes_before_what_was_raised_from_it(clients: Clients) -> None:
    """A chained exception keeps both, innermost first; the one that was caught names the event."""
    clients.python("chained@1.0", "script.py", "chained")
    error = clients.error("chained@1.0")
    assert [each["type"] for each in error["exceptions"]] == ["ZeroDivisionError", "LookupError"]
    assert (error["name"], error["message"]) == ("LookupError", "nobody pays for basket 7")
    assert calls(error, 0)[-2:] == [PAY, SHARE]
    assert error["handled"] is True


def test_logged_error_is_an_event_and_the_warning_its_breadcrumb(clients: Clients) -> None:
    """The logging integration's message comes formatted, with its logger and its extra."""
    clients.python("logged@1.0", "script.py", "logged")
    error = clients.error("logged@1.0")
    assert (error["message"], error["level"]) == ("no pears left", "error")
    assert error["logger"] == "shop.stock"
    assert error["extra"]["shelf"] == "B4"
    assert crumbs(error) == [("shop.stock", "only 2 pears left")]


def test_monitored_jobs_check_in(clients: Clients) -> None:
    """The monitor decorator tells of a job's start and of its end, well or not."""
    clients.python("monitored@1.0", "script.py", "checked_in")
    lines = clients.stored("monitored@1.0", "check-ins", 4)
    told = {(line["monitor"], line["status"]): line for line in lines}
    assert set(told) == {
        ("count-stock", "in_progress"),
        ("count-stock", "ok"),
        ("fill-shelves", "in_progress"),
        ("fill-shelves", "error"),
    }
    end, start = told["count-stock", "ok"], told["count-stock", "in_progress"]
    assert end["check_in"] == start["check_in"]
    assert 0 <= end["duration_seconds"] < 10


def test_flask_reports_the_view_the_request_and_the_sessions(clients: Clients) -> None:
    """A view's exception comes with its route and request; three visits are one aggregate."""
    clients.python("flask@1.0", "flask_site.py")
    error = clients.error("flask@1.0")
    assert (error["name"], error["message"]) == ("KeyError", "7")
    line = line_of("python/flask_site.py", "return f")
    assert calls(error)[-1] == ("basket", "flask_site.py", line)
    assert error["exceptions"][-1]["frames"][0]["in_app"] is False
    assert error["transaction"] == "basket"
    assert error["tags"]["basket"] == "7"
    assert error["request"]["method"] == "GET"
    assert error["url"].endswith("/baskets/7")
    assert error["handled"] is False
    [sessions] = clients.stored("flask@1.0", "sessions")
    assert (sessions["started"], sessions["crashed"]) == (3, 1)
    assert sessions["environment"] == ENVIRONMENT


@contextlib.contextmanager
def celery_worker(environ: dict[str, str]) -> Iterator[None]:
    """A real Celery worker that forks, ended by SIGTERM as its supervisor would end it."""
    command = "-m celery --app celery_site --quiet worker --concurrency 1 --loglevel critical"
    command += " --without-mingle --without-gossip --without-heartbeat"
    process = subprocess.Popen(
        [sys.executable, *command.split()], cwd=CLIENTS / "python", env=environ
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_celery_reports_the_task_that_failed(clients: Clients, tmp_path: Path) -> None:
    """A task's exception in a forked worker names the task, and is not handled."""
    environ = clients.environ("celery@1.0") | {"BROKER_FOLDER": str(tmp_path)}
    with celery_worker(environ):
        subprocess.run(
            [sys.executable, "celery_site.py"],
            cwd=CLIENTS / "python",
            env=environ,
            check=True,
            timeout=RUN_SECONDS,
        )
        error = clients.error("celery@1.0")
    assert (error["name"], error["message"]) == ("TimeoutError", "no van for basket 7")
    line = line_of("python/celery_site.py", "raise TimeoutError")
    assert calls(error)[-1] == ("ship", "celery_site.py", line)
    assert error["transaction"] == "shop.ship"
    assert error["handled"] is False
    assert error["tags"]["celery_task_id"]
