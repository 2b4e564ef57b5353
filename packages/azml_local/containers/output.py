"""What a container writes: every line with its time, bounded, read the way the logs action does.

A line is kept as `<time> <text>`. Limits of container-instances-resource-and-quota-limits: 4 MB of a running container;
of a stopped one 16 KB or 1,000 lines, whichever comes first.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from azml_local.scoring.logs import Log

RUNNING_BYTES, STOPPED_BYTES, STOPPED_LINES = 4_000_000, 16_000, 1_000
_PIECE, _PAUSE_S = 64 << 10, 0.02
"""What a pipe holds, and how long it collects lines: a server that logs every request must not wake this process for
each of them."""


class Output:
    """The log of one container over all its starts."""

    def __init__(self, path: Path) -> None:
        self._log = Log(path)

    def pipe(self) -> int:
        """Open a descriptor for a process to write to; close it once the process has it."""
        read, write = os.pipe()
        os.set_blocking(read, False)
        _Reader(read, self._log)
        return write

    def close(self) -> None:
        """Write no more."""
        self._log.close()


class _Reader:
    """Copies what comes through a pipe until all its writers have closed it."""

    def __init__(self, descriptor: int, log: Log) -> None:
        self._descriptor, self._log, self._rest = descriptor, log, b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def _read(self) -> None:
        try:
            piece = os.read(self._descriptor, _PIECE)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _PIECE:  # no line at all
            lines, self._rest = [*lines, self._rest], b""
        self._loop.remove_reader(self._descriptor)
        if piece:
            self._loop.call_later(_PAUSE_S, self._loop.add_reader, self._descriptor, self._read)
        else:
            os.close(self._descriptor)
            lines, self._rest = ([self._rest] if self._rest else []), b""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        self._log.write(b"".join(b"%s %s\n" % (now, line) for line in lines))
        self._log.trim()


def read(path: Path, *, running: bool, lines: int | None = None, timestamps: bool = False) -> str:
    """Give the end of a container's log; empty where there is none."""
    if not path.exists():
        return ""
    told = path.read_bytes().decode(errors="replace").splitlines(keepends=True)
    shown = told if timestamps else [line.partition(" ")[2] for line in told]
    allowed, most = (RUNNING_BYTES, len(shown)) if running else (STOPPED_BYTES, STOPPED_LINES)
    wanted = most if lines is None else min(lines, most)
    chosen = list(_last(shown[len(shown) - min(wanted, len(shown)) :], allowed))
    return "".join(reversed(chosen))


def _last(lines: list[str], size: int) -> Iterator[str]:
    for line in reversed(lines):
        size -= len(line.encode())
        if size < 0:
            return
        yield line
