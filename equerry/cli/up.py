"""`equerry up`: everything on one machine, started, watched over and stopped together.

1. Settings (written the first time), data directory, lock.
2. End what a killed `equerry up` left behind.
3. Refuse what cannot work, before anything is started.
4. Start Valkey, until it answers.
5. Start the Procfile's lines; tell when they answer; keep them running until a signal.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import click

from equerry import settings_file
from equerry.cli import embedded, first_run, leftovers, preflight, procfile, screen
from equerry.cli.output import Output
from equerry.cli.process import Program
from equerry.cli.readiness import Servers, ValkeyLoad
from equerry.cli.supervisor import Supervisor
from equerry.settings import Settings


@click.command()
@click.option(
    "--procfile",
    "lines_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run this Procfile's lines instead of Equerry's own.",
)
def up(lines_file: Path | None) -> None:
    """Start everything and keep it running; Ctrl-C stops it.

    The first time it writes equerry.toml, with a project and its key. It runs its own Valkey
    unless EQUERRY_REDIS_URL names one. A process that ends is started again.
    """
    file = settings_file.path(os.environ).absolute()
    lines = procfile.read(lines_file or procfile.find())
    first_run.write_settings(file)
    settings = settings_file.load()
    first_run.make_data_dir(settings.data_path)
    with preflight.lock(settings.data_path):
        record = settings.data_path / "run" / "processes.json"
        ended = leftovers.end(record, settings.data_path)
        preflight.check_folder(Path.cwd())
        preflight.check_ports(settings, frozenset(lines))
        preflight.check_redis(settings)
        terminal = _is_terminal(settings)
        output = Output(sys.stdout, screen.log_path(settings), terminal=terminal)
        try:
            if ended:
                names = ", ".join(ended)
                output.say("leftovers-ended", f"ended what a killed run had left: {names}")
            with Supervisor(output, record) as supervisor:
                _run(supervisor, output, settings, file, lines)
        finally:
            output.say("stopped", "stopped")
            output.close()


def _run(
    supervisor: Supervisor, output: Output, settings: Settings, file: Path, lines: Mapping[str, str]
) -> None:
    password = first_run.flower_password(settings.data_path)
    environ = environment(settings, file, terminal=output.terminal)
    if not settings.redis.url:
        embedded.prepare(settings)
        supervisor.add([embedded.program(settings, environ)])
        if not supervisor.run(until=ValkeyLoad(supervisor.processes[0], output, settings).done):
            return
    # Only Flower is handed its password, and never on a command line, which `ps` would show.
    flower = environ | {"FLOWER_BASIC_AUTH": f"admin:{password}"}
    supervisor.add(
        Program(name, ("sh", "-c", f"exec {line}"), flower if name == "flower" else environ)
        for name, line in lines.items()
    )
    servers = Servers(settings, frozenset(lines))
    if not supervisor.run(until=servers.done):
        return
    if output.terminal:
        output.show(screen.running(settings, file, password, servers.missing))
    else:
        facts = screen.facts(settings)
        output.say("running", "everything is started", missing=servers.missing, facts=facts)
    supervisor.run()


def environment(settings: Settings, file: Path, *, terminal: bool) -> dict[str, str]:
    """Return the environment of the processes: ours, and what their lines and settings need.

    Paths are absolute, and the settings that the Procfile's flags use are in it, so that
    equerry.toml reaches a command line. `bin` of this installation comes first in PATH.
    """
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return dict(os.environ) | {
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "EQUERRY_CONFIG": str(file),
        "EQUERRY_DATA_DIR": str(settings.data_path),
        "EQUERRY_LOG_FORMAT": "terminal" if terminal else "json",
        "EQUERRY_API_HOST": settings.api.host,
        "EQUERRY_API_PORT": str(settings.api.port),
        "EQUERRY_DASHBOARD_HOST": settings.dashboard.host,
        "EQUERRY_DASHBOARD_PORT": str(settings.dashboard.port),
        "EQUERRY_FLOWER_HOST": settings.flower.host,
        "EQUERRY_FLOWER_PORT": str(settings.flower.port),
        "EQUERRY_WORKER_CONCURRENCY": str(settings.worker.concurrency),
    }


def _is_terminal(settings: Settings) -> bool:
    if settings.log_format == "auto":
        return sys.stdout.isatty()
    return settings.log_format == "terminal"
