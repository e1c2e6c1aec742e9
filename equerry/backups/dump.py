"""Makes a backup: everything the server has, in mongodump's layout, signed and sealed."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from equerry import clock
from equerry.backups import (
    catalogue,
    changes,
    listing,
    manifest,
    metadata,
    mongodump,
    names,
    place,
    server,
    space,
)
from equerry.backups.collection_dump import CollectionDump, Dumped
from equerry.backups.crew import Crew
from equerry.backups.listing import Found, Listing
from equerry.backups.manifest import Consistency, Engine, File, LeftOut, Manifest
from equerry.backups.moment import Moment
from equerry.backups.progress import Counter, Progress
from equerry.backups.selection import Selection
from equerry.backups.server import Client, Server
from equerry.backups.signature import Key
from equerry.backups.sink import Sink
from equerry.backups.space import Limits, Room
from equerry.durable import fsync
from equerry.errors import BackupError
from equerry.settings import Settings
from equerry.version import VERSION

PRELUDE = "prelude.json.gz"
