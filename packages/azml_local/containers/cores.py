"""Which cores a container may run on: as many as it asked for, the least taken first. Linux only; elsewhere all.

A container that asks for less than a core gets one for itself as long as there are free ones. Where a machine has fewer
than asked for, the container has all there are.
"""

import contextlib
import math
import os
from collections import Counter


class Cores:
    """The cores of this machine, and who has how many of them."""

    def __init__(self) -> None:
        self._all = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._taken: Counter[int] = Counter()

    def take(self, wanted: float) -> list[int]:
        """Choose cores; give them back with `leave`. Empty: no choice on this system."""
        chosen = sorted(self._all, key=lambda core: self._taken[core])[: max(1, math.ceil(wanted))]
        self._taken.update(chosen)
        return chosen

    def leave(self, cores: list[int]) -> None:
        """Give cores back."""
        self._taken.subtract(cores)


def pin(pid: int, cores: list[int]) -> None:
    """Let a process, and what it starts from now on, run on these cores only."""
    if cores:
        with contextlib.suppress(ProcessLookupError):  # it has ended at once
            os.sched_setaffinity(pid, cores)
