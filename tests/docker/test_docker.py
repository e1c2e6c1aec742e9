"""The Procfile, the image and the compose file say the same; no Docker is needed to hold them."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from equerry import settings_file
from equerry.cli import embedded, procfile
from equerry.settings import Settings

ROOT = Path(__file__).parents[2]
LINES = procfile.read(ROOT / "Procfile")
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


def instructions(name: str) -> list[str]:
    """Return the arguments of each such instruction of the Dockerfile, lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"(?m)^{name} (.*)$", joined)


def test_one_service_per_process() -> None:
    """Compose has Valkey and exactly the Procfile's processes."""
    assert set(SERVICES) == {"valkey", *LINES}


@pytest.mark.parametrize("name", LINES)
def test_service_runs_the_procfile_line(name: str) -> None:
    """A service runs its line as `equerry up` does: through sh and exec."""
    shell, flag, line = SERVICES[name]["command"]
    assert (shell, flag) == ("sh", "-c")
    assert line.replace("$$", "$") == f"exec {LINES[name]}"


def test_image_runs_the_door_by_default() -> None:
    """The image's own command is the Procfile's api line."""
    command = instructions("CMD")[-1]
    assert json.loads(command) == ["sh", "-c", f"exec {LINES['api']}"]


def test_image_is_not_run_by_root() -> None:
    """The last stage has a numeric user other than root, and its files are nobody else's."""
    assert len(instructions("FROM")) == 2
    assert instructions("USER") == ["10001"]
    assert DOCKERFILE.index("USER ") > DOCKERFILE.rindex("FROM ")


def test_image_copies_what_the_build_needs() -> None:
    """All that the wheel is built from reaches the build, past .dockerignore."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["only-include"], *wheel["force-include"], "README.md", "constraints.txt"}
    copied = {word for line in instructions("COPY") for word in line.split()}
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert needed <= copied
    assert {f"!{name}" for name in needed} <= set(ignored)


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_watched(name: str) -> None:
    """Each service restarts, has a health check of its own or the image's, and waits for Valkey."""
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert "test" in service.get("healthcheck", {}) or (
        name == "api" and "HEALTHCHECK" in DOCKERFILE
    )
    if name != "valkey":
        assert service["depends_on"]["valkey"]["condition"] == "service_healthy"
        assert "data:/data" in service["volumes"]


def test_valkey_is_configured_as_the_embedded_one() -> None:
    """What the embedded Valkey is told about keeping data, the container is told too."""
    ours = embedded.program(Settings(), {}).argv
    theirs = SERVICES["valkey"]["command"]
    for option in ("appendonly", "appendfsync", "aof-load-truncated", "save", "maxmemory-policy"):
        value = ours[ours.index(f"--{option}") + 1]
        assert theirs[theirs.index(f"--{option}") + 1] == value, option
    assert "valkey:/data" in SERVICES["valkey"]["volumes"]


def test_published_ports_are_loopback_only() -> None:
    """Nothing is offered to the network by default."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_variable_is_a_setting() -> None:
    """Each EQUERRY_* in the image, the compose file and the Procfile is one that is read."""
    files = ("docker/Dockerfile", "docker/compose.yaml", "Procfile")
    text = "\n".join((ROOT / name).read_text() for name in files)
    names = set(re.findall(r"EQUERRY_[A-Z_]+", text))
    names -= {"EQUERRY_"}  # a comment's EQUERRY_*
    assert "EQUERRY_DATA_DIR" in names
    assert names <= {*settings_file.VARIABLES, *settings_file.OTHER_VARIABLES}


def test_example_settings_need_only_a_key(tmp_path: Path) -> None:
    """The example is refused until it has a key, and loads with one."""
    example = (ROOT / "docker" / "equerry.example.toml").read_text()
    file = tmp_path / "equerry.toml"
    file.write_text(example)
    environ = {"EQUERRY_CONFIG": str(file)}
    with pytest.raises(settings_file.SettingsError, match="key"):
        settings_file.load(environ)
    file.write_text(example.replace('key = ""', f'key = "{"0" * 32}"'))
    assert settings_file.load(environ).projects[0].slug == "web"


@pytest.mark.parametrize("name", LINES)
def test_command_parses(name: str, tmp_path: Path) -> None:
    """Each line's program knows every flag of it: with --help at the end it prints its usage.

    An unknown flag or a missing module ends with an exit code other than 0.
    """
    (tmp_path / "equerry.toml").write_text("")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("EQUERRY_")}
    environ |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "EQUERRY_CONFIG": str(tmp_path / "equerry.toml"),
    }
    _, _, line = SERVICES[name]["command"]
    help_line = line.replace("$$", "$") + (" --help" if name != "flower" else "")
    if name == "flower":  # passes its flags on to tornado, so it is asked before them
        help_line = help_line.split(" --address")[0] + " --help"
    done = subprocess.run(
        ["sh", "-c", help_line],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_flower_knows_its_flags() -> None:
    """Flower ignores an unknown flag without a word, so each is looked up."""
    flags = re.findall(r"--([a-z-]+)", LINES["flower"].split(" flower ")[1])
    source = "from flower import options, command; print(*options.options._options)"
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert set(flags) <= {name.replace("_", "-") for name in done.stdout.split()}
    assert {"read-only", "address"} <= set(flags)
