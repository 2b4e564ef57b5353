"""Tells a waiting person what is going on and for how long. Does not know what is waited for."""

import sys
import time
from types import TracebackType
from typing import Self

LIVE_S = 1
PLAIN_S = 15


class Progress:
    """One line on stderr: rewritten every second on a terminal; elsewhere, as in a CI log, a new one every 15 s."""

    def __init__(self, what: str) -> None:
        self._live = sys.stderr.isatty()
        self._started = self._shown = time.monotonic()
        print(what, file=sys.stderr, flush=True)

    def tick(self, doing: str) -> None:
        """Says what is being done now, if it is time to."""
        now = time.monotonic()
        if now - self._shown < (LIVE_S if self._live else PLAIN_S):
            return
        self._shown = now
        if self._live:
            print(f"\r\x1b[K  {self.elapsed}: {doing}", end="", file=sys.stderr, flush=True)
        else:
            print(f"  {self.elapsed}: {doing}", file=sys.stderr, flush=True)

    @property
    def elapsed(self) -> str:
        """Time since the start, such as 3 min 5 s."""
        minutes, seconds = divmod(round(time.monotonic() - self._started), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
