"""Verifies a backup and keeps what came of it, so that the list can tell which ones are proven."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from equerry.backups import records, verify
from equerry.backups.encryption import Identity
from equerry.backups.progress import Watcher, unwatched
from equerry.backups.records import Verified
from equerry.errors import BackupError
from equerry.settings import Settings

# A record that is larger than is read of one would tell nothing.
FAULTS_KEPT = 1_000


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
        kept = msgspec.structs.replace(verified, faults=verified.faults[:FAULTS_KEPT])
        records.write(backup, kept)
    except OSError as error:
        where = f"{backup.parent}: {error.strerror}"
        first = verified.faults[0] if verified.faults else None
        found = f"faults, the first in {first.path}: {first.says}" if first else "no fault"
        raise BackupError(f"{where}: what was found cannot be recorded there: {found}") from error
    return verified
