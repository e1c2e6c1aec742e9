"""Reads a backup back, every byte of it, and names each fault that it finds.

What mongorestore does not notice is noticed here: a file cut between two documents, missing
metadata, a missing or foreign file. Whatever reads a backup asks this first.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from equerry import clock
from equerry.backups import bson_form, manifest, metadata, names, place, records, signature
from equerry.backups.gzip_file import Damaged, HashedFile, chunks
from equerry.backups.documents import MAX_DOCUMENT_BYTES, Content, length
from equerry.backups.manifest import Collection, File, Manifest
from equerry.backups.progress import Counter, Watcher, unwatched
from equerry.backups.records import Fault, Verified, What
from equerry.errors import BackupError
