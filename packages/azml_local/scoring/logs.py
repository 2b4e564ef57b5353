"""A deployment's log file: written by its processes directly, bounded, read from its end.

Children append to the file themselves (no copying through this process). Beyond `LIMIT` the oldest part is cut away in
place, which appending writers do not notice; a line or two written in that moment may be lost.
"""

import os
import time
from pathlib import Path
from typing import IO

LIMIT = 8 * 1024 * 1024
KEPT = 2 * 1024 * 1024
"""Bytes at which the file is cut, and what then remains."""


class Log:
    """One append-only log file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("ab", buffering=0)

    @property
    def descriptor(self) -> int:
        """For a child's output."""
        return self._file.fileno()

    def note(self, text: str) -> None:
        """Write a line of our own, stamped like the scoring server's."""
        self._file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} azml - {text}\n".encode())

    def write(self, content: bytes) -> None:
        """Write what somebody else said; nothing once it is closed."""
        if content and not self._file.closed:
            self._file.write(content)

    def size(self) -> int:
        """Bytes so far: a mark to read from later."""
        return os.fstat(self._file.fileno()).st_size

    def since(self, mark: int) -> str:
        """What was written after `mark` (at most the last 64 KiB of it)."""
        return _read(self._path, max(mark, self.size() - 65536))

    def trim(self) -> None:
        """Cut the oldest part away if the file is too long."""
        if self._file.closed or self.size() <= LIMIT:
            return
        with self._path.open("rb") as file:
            file.seek(-KEPT, os.SEEK_END)
            kept = file.read().partition(b"\n")[2]
            while more := file.read():  # what was written meanwhile: little remains to lose between this and the cut
                kept += more
            os.ftruncate(self._file.fileno(), 0)
        self._file.write(kept)

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def tail(path: Path, lines: int) -> str:
    """Return the last lines of a log file; empty where there is none."""
    if lines <= 0 or not path.exists():
        return ""
    text = _read(path, max(0, path.stat().st_size - KEPT))
    return "".join(text.splitlines(keepends=True)[-lines:])


def _read(path: Path, start: int) -> str:
    with path.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")
