"""What is asked of a source map, and what it answers: the words between a worker and its reader."""

import enum
from typing import Annotated

import msgspec

Position = tuple[int, int]
# Positions beyond are no minified file's; the reader's library takes 32 bits.
MAX_POSITION = 2**31
# What reads maps is an extra.
INSTALL = "pip install 'equerry[sourcemaps]'"


class Outcome(enum.StrEnum):
    """What came of resolving the frames of one file."""

    RESOLVED = "resolved"
    NO_RELEASE = "no-debug-id-and-no-release"
    UNKNOWN_DEBUG_ID = "no-artefact-for-this-debug-id"
    NOTHING_FOR_RELEASE = "no-upload-for-this-release"
    NO_SUCH_FILE = "no-file-of-this-name-in-the-release"
    NO_MAP_NAMED = "the-file-has-no-sourceMappingURL"
    NO_SUCH_MAP = "no-map-of-this-name-in-the-release"
    NOT_IN_MAP = "position-not-in-the-map"
    DAMAGED = "the-map-is-damaged"
    TOO_LARGE = "the-map-is-too-large"
    TOO_SLOW = "reading-the-map-took-too-long"
    NO_READER = "the-reader-of-maps-did-not-start"
    GONE = "the-file-is-gone-from-the-store"
    NO_LIBRARY = "the-extra-sourcemaps-is-not-installed"
    STORE_AWAY = "the-store-cannot-be-read"


class Original(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Where a position of a minified file came from. line and column count from 1."""

    source: str
    line: int
    column: int = 0
    function: str = ""
    context_line: str = ""
    pre_context: tuple[str, ...] = ()
    post_context: tuple[str, ...] = ()


class Question(msgspec.Struct, frozen=True):
    """Paths of a script and its map, either of them empty: a script may hold its map itself."""

    script: str
    source_map: str
    positions: tuple[Annotated[Position, "line, column"], ...]


class Answer(msgspec.Struct, frozen=True):
    """One original a position, None where the map has none. detail: what the library said."""

    outcome: Outcome
    originals: tuple[Original | None, ...] = ()
    detail: str = ""
