"""Writing so that a kill or a power cut leaves either all or nothing."""

import os
from pathlib import Path


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; os.write may take fewer. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def fsync(path: Path) -> None:
    """Make what a file holds durable; for a folder, its new, renamed and removed names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cut_torn_line(descriptor: int, step_bytes: int = 65_536) -> None:
    """Shorten a file of lines to its last newline: what a kill tore off was never answered for.

    descriptor: open for reading and writing, and no other process is writing to it.
    """
    size = end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - step_bytes)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
