"""The Procfile: which processes there are, and the shell line that starts each."""

import re
from pathlib import Path

import equerry
from equerry.errors import SettingsError

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")


def find() -> Path:
    """Return the Procfile: beside the package in a checkout, within it when installed.

    Raises SettingsError if the installation has none.
    """
    package = Path(equerry.__file__).resolve().parent
    for file in (package.parent / "Procfile", package / "Procfile"):
        if file.is_file():
            return file
    raise SettingsError(f"{package}: the installation has no Procfile; install Equerry again")


def read(file: Path) -> dict[str, str]:
    """Return name → shell line, in the file's order.

    Raises SettingsError, which names the line, for what is no `name: command`.
    """
    lines: dict[str, str] = {}
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None or match[1] in lines:
            raise SettingsError(f"{file}:{number}: takes `name: command`, each name once")
        lines[match[1]] = match[2]
    return lines
