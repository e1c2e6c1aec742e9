"""What the first `equerry up` writes: the settings, the data directory, Flower's password."""

import os
from pathlib import Path

from equerry.errors import SettingsError

SETTINGS = """\
# Equerry's settings. `equerry config check` shows what is in force, docs/settings.md what there is.
# EQUERRY_* variables win over this file. After a change: stop `equerry up` and start it again.

timezone = "Europe/London"   # the site's zone, in which daily jobs are scheduled

[[projects]]
id = 1
slug = "web"
# Public: it goes into the site's pages and grants nothing but reporting.
# `equerry dsn` prints it with the address that it belongs to.
key = "{key}"
# Next: name your site here, so that browsers may report from there only.
# origins = ["https://www.example.org"]

# Next: where alerts go. Until then they are shown in the terminal of `equerry up`.
# [alerts.slack]
# webhook_url = "https://hooks.slack.com/services/…"
#
# [alerts.email]
# smtp_url = "smtp://user:password@mail.example.org:587"
# to = ["oncall@example.org"]
#
# [alerts.webhook]
# url = "https://example.org/hook"
# secret = "…"                # signs what is sent
"""


def write_settings(file: Path) -> bool:
    """Write the settings file with a project and a fresh key, if there is none.

    Returns whether it was written. Raises SettingsError.
    """
    if file.exists():
        return False
    try:
        _write(file, SETTINGS.format(key=os.urandom(16).hex()))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be written: {error.strerror}") from error
    return True


def make_data_dir(data_path: Path) -> None:
    """Make the data directory, for this user only. Raises SettingsError."""
    try:
        data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"data_dir: {data_path}: {error.strerror}") from error


def flower_password(data_path: Path) -> str:
    """Return Flower's password; the first time, make one and keep it for this user only."""
    file = data_path / "flower-password"
    try:
        if not file.exists():
            _write(file, os.urandom(16).hex() + "\n")
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"data_dir: {file}: {error}") from error


def _write(file: Path, text: str) -> None:
    """Write a file of mode 600, whole or not at all."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
