"""What a process does not use it does not load: each library is megabytes of every machine."""

import subprocess
import sys

import pytest

UNUSED = {
    "api.app": {"celery", "click_repl", "duckdb", "prompt_toolkit", "rich", "sentry_sdk"},
    "dashboard.app": {"celery", "duckdb", "prometheus_client", "rich", "sentry_sdk"},
    "workers.commands": {"click_repl", "duckdb", "flask", "flower", "rich", "sentry_sdk"},
    "equerry.cli.up": {"celery", "flask", "http.client", "redis", "rich", "sentry_sdk"},
}


@pytest.mark.parametrize("module", UNUSED)
def test_loads_no_library_that_it_does_not_use(module: str) -> None:
    """Importing the process's module leaves these out."""
    source = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert module in loaded
    assert loaded.isdisjoint(UNUSED[module])
