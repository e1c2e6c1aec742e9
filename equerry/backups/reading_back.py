"""Verifies a backup and keeps what came of it, so that the list can tell which ones are proven."""

from collections.abc import Sequence
from pathlib import Path

from equerry.backups import records, verify
from equerry.backups.encryption import Identity
from equerry.backups.progress import Watcher, unwatched
from equerry.backups.records import Verified
from equerry.errors import BackupError
from equerry.settings import Settings


def prove(
    settings: Settings,
    backup: Path,
    now_ms: int,
    watch: Watcher = unwatched,
    keys: Sequence[Identity] = (),
) -> Verified:
    """Read a backup back and record the result. Raises BackupError where it cannot be recorded."""
    trusted = verify.trusted_keys(settings.data_path, settings.backups.trusted_keys)
    verified = verify.verify(backup, trusted, now_ms, watch, keys)
    try:
        records.write(backup, verified)
    except OSError as error:
        where = f"{backup.parent}: {error.strerror}"
        raise BackupError(f"{where}: what was found cannot be recorded there") from error
    return verified
