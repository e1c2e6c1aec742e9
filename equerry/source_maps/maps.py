"""A worker's view of all projects' source maps: which file answers for a URL, and what it says."""

import contextlib
import os
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from equerry.source_maps import index
from equerry.source_maps.artefact import Kind, beside, names
from equerry.source_maps.locate import Located, Wanted, locate
from equerry.source_maps.position import Answer, Original, Outcome, Position, Question
from equerry.source_maps.reader import context
from equerry.source_maps.reading import Reading
from equerry.source_maps.store import FOLDER, Store

# How long a process may not know of an upload.
FRESH_SECONDS = 1.0
LOCATED_KEPT = 1_024
ORIGINALS_KEPT = 2_048
# A map that was damaged or slow is not tried again with each event.
FAILED_KEPT = 256
FAILED_SECONDS = 600.0
USED_WITHIN_SECONDS = 86_400.0
SOURCE_MAX_BYTES = 4 * 1024 * 1024

_COSTLY = frozenset({Outcome.DAMAGED, Outcome.TOO_SLOW, Outcome.TOO_LARGE})

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """The last used values, at most `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """Return the value and keep it longer; None where there is none."""
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        """Keep a value."""
        self._held[key] = value
        if len(self._held) > self._size:
            self._held.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()


class Maps:
    """All projects' maps. data: the data directory. It belongs to one thread of one process."""

    def __init__(
        self, data: Path, reading: Reading | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = data / FOLDER
        self._reading = reading or Reading()
        self._now = now
        self._projects: dict[int, Project] = {}

    def project(self, project_id: int) -> "Project | None":
        """Return the project's maps, or None where nothing was ever uploaded for it."""
        known = self._projects.get(project_id)
        if known is None:
            known = Project(Store(self._root, project_id), self._reading, self._now)
            self._projects[project_id] = known
        return known if known.refresh() else None

    def close(self) -> None:
        """End the reader."""
        self._reading.close()


class Project:
    """One project's maps, with what was looked up lately."""

    def __init__(self, store: Store, reading: Reading, now: Callable[[], float]) -> None:
        self._store = store
        self._reading = reading
        self._now = now
        self._checked = float("-inf")
        self._inode = 0
        self._version = -1
        self._connection: sqlite3.Connection | None = None
        self._located: Recent[Wanted, Located] = Recent(LOCATED_KEPT)
        self._originals: Recent[tuple[str, str, Position], tuple[Original | None]] = Recent(
            ORIGINALS_KEPT
        )
        self._failed: Recent[tuple[str, str], tuple[float, Answer]] = Recent(FAILED_KEPT)

    def refresh(self) -> bool:
        """Look once a second whether there is an index, and whether it changed; say if there is."""
        if self._now() - self._checked < FRESH_SECONDS:
            return self._inode != 0
        self._checked = self._now()
        try:
            inode = self._store.index_path.stat().st_ino
        except OSError:
            inode = 0
        if inode != self._inode:
            self._inode = inode
            self._open()
        elif self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                [(version,)] = self._connection.execute("PRAGMA data_version")
                if version != self._version:
                    self._version = version
                    self._located.clear()
        return self._inode != 0

    def locate(self, wanted: Wanted) -> Located:
        """Return which files answer for a frame's file. An unreadable index is an outcome too."""
        known = self._located.get(wanted)
        if known is not None:
            return known
        try:
            if self._connection is None:
                self._open()
            if self._connection is None:
                return Located(Outcome.STORE_AWAY)
            found = locate(self._connection, wanted)
        except sqlite3.Error as error:
            return Located(Outcome.STORE_AWAY, detail=str(error))
        for digest in (found.script, found.source_map):
            if digest:
                self._touch(self._store.file(digest))
        self._located.put(wanted, found)
        return found

    def read(self, found: Located, wanted: Wanted, positions: Sequence[Position]) -> Answer:
        """Return what the located map says of the positions, one original each."""
        key = found.script, found.source_map
        known = {each: self._originals.get((*key, each)) for each in positions}
        missing = tuple(each for each, one in known.items() if one is None)
        if missing:
            answer = self._ask(key, missing)
            if answer.outcome is not Outcome.RESOLVED:
                return answer
            for position, original in zip(missing, answer.originals, strict=True):
                known[position] = (self._with_context(original, found, wanted),)
                self._originals.put((*key, position), known[position] or (None,))
        return Answer(
            Outcome.RESOLVED, tuple(one[0] if one else None for one in map(known.get, positions))
        )

    def _ask(self, key: tuple[str, str], positions: tuple[Position, ...]) -> Answer:
        failed = self._failed.get(key)
        if failed and self._now() - failed[0] < FAILED_SECONDS:
            return failed[1]
        script, source_map = (str(self._store.file(each)) if each else "" for each in key)
        answer = self._reading.ask(Question(script, source_map, positions))
        if answer.outcome is Outcome.DAMAGED and script and source_map:
            # The script only gives the functions' names: the map may do without.
            answer = self._reading.ask(Question("", source_map, positions))
        if answer.outcome in _COSTLY:
            self._failed.put(key, (self._now(), answer))
        return answer

    def _with_context(
        self, original: Original | None, found: Located, wanted: Wanted
    ) -> Original | None:
        """Add context lines from a source that was uploaded by itself, where the map has none."""
        if original is None or original.context_line or self._connection is None:
            return original
        urls = names(beside(found.map_url or wanted.url, original.source))
        try:
            source = index.by_url(self._connection, wanted.release, wanted.dist, urls)
            if source is None or source.kind is not Kind.SOURCE:
                return original
            with self._store.file(source.digest).open("rb") as file:
                text = file.read(SOURCE_MAX_BYTES).decode("utf-8", "replace")
        except (sqlite3.Error, OSError):
            return original
        line, before, after = context(text.split("\n"), original.line, original.column)
        return msgspec.structs.replace(
            original, context_line=line, pre_context=before, post_context=after
        )

    def _open(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._located.clear()
        if self._inode:
            with contextlib.suppress(sqlite3.Error):
                self._connection = sqlite3.connect(
                    f"{self._store.index_path.as_uri()}?mode=rw",
                    uri=True,
                    timeout=index.BUSY_SECONDS,
                    check_same_thread=False,
                )

    @staticmethod
    def _touch(path: Path) -> None:
        """Note that a file is of use, once a day: what is not is removed one day."""
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > USED_WITHIN_SECONDS:
                os.utime(path)
