"""One call of the engine, as a handler sees it: the ARM client, the urn, how long it may take, where progress goes.

Owns waiting: every pause of a handler goes through `Work.wait`, so Ctrl-C ends it at once. Deliberately knows nothing
of gRPC: the provider gives it functions.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from azml.resources.errors import Interrupted, TooLong

if TYPE_CHECKING:
    from azml.resources.arm import Arm

SAY_AGAIN_SECONDS = 10.0
"""How often a status line is repeated with the time that has passed. A terminal shows the engine's own clock beside it;
elsewhere every status is a line of its own."""
WATCH_SECONDS = 2.0
"""Between two looks at what Azure is doing: each one is a few requests."""
LONGEST_SECONDS = 2 * 3600.0
"""How long an operation may take unless `custom_timeouts` says otherwise: azure-native's own default."""


class Work:
    """What a handler may use while it serves one call."""

    def __init__(
        self,
        arm: "Callable[[], Arm]",
        urn: str,
        cancelled: threading.Event,
        log: Callable[[str, str, str], None],
        seconds: float = 0,
    ) -> None:
        """`log(urn, severity, text)` takes the severities status, info and warning; `seconds` 0 means the default."""
        self._arm, self.urn, self._cancelled, self._log = arm, urn, cancelled, log
        self._started = time.monotonic()
        self._seconds = seconds or LONGEST_SECONDS
        self._doing = ""
        self._said = self._watched_at = self._started
        self._watcher: Callable[[], None] | None = None
        self.was_accepted = False

    def allow(self, seconds: float) -> None:
        """Let it take this long from now, where it might not take as long anyway."""
        self._seconds = max(self._seconds, time.monotonic() - self._started + seconds)

    @property
    def arm(self) -> "Arm":
        """The client, made on first use."""
        return self._arm()

    def doing(self, text: str, *, at_once: bool = True) -> None:
        """Show what goes on, on the resource's status line; not `at_once`: when it is due to be said again."""
        self._doing = text
        if at_once:
            self._said = time.monotonic()
            self._log(self.urn, "status", text)

    def say(self, text: str) -> None:
        """Tell something that stays readable after the run."""
        self._log(self.urn, "info", text)

    def warn(self, text: str) -> None:
        """Tell something that the user should look at."""
        self._log(self.urn, "warning", text)

    @contextmanager
    def watched(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Call `watcher` in the pauses of this block, so that it can look and tell what is `doing`."""
        self._watcher, self._watched_at = watcher, time.monotonic()
        try:
            yield
        finally:
            self._watcher = None

    def accepted(self) -> None:
        """Note that Azure took a change: from here on a failure leaves something behind."""
        self.was_accepted = True

    def wait(self, seconds: float, doing: str | None = None) -> None:
        """Pause; `Interrupted` on Ctrl-C or when the call has taken longer than it may."""
        self._watch()
        now = time.monotonic()
        passed = now - self._started
        if passed + seconds > self._seconds:
            raise TooLong(f"Azure was not done after {passed:.0f} s, the longest that this operation may take.")
        text = doing or self._doing
        if text and now - self._said >= SAY_AGAIN_SECONDS:
            self._said = now
            self._log(self.urn, "status", f"{text} ({passed:.0f} s)")
        if self._cancelled.wait(seconds):
            raise Interrupted("Cancelled while Azure was at work. Run it again to go on.")

    def _watch(self) -> None:
        if self._watcher is not None and time.monotonic() - self._watched_at >= WATCH_SECONDS:
            self._watcher()
            self._watched_at = time.monotonic()
