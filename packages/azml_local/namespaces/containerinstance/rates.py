"""How often container groups of a region may be made, and deleted: so often in five minutes, so often in an hour.

Counts in memory: a restart of the local Azure forgets what was before it. The limits are documented (container-
instances-resource-and-quota-limits 2025-11-17); that ARM's own refusal of too many requests is the answer is a guess.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable

from azml_local.arm.errors import ArmError
from azml_local.settings import Settings


class Rates:
    """What was done when, by `what` (creates, deletes) and region."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: dict[tuple[str, str], list[float]] = defaultdict(list)

    def count(self, what: str, region: str, settings: Settings) -> None:
        """Count one more. Raises 429 where that is one too many, with the seconds until it is not."""
        now, times = self._clock(), self._times[what, region]
        limits = ((3600, settings.container_writes_per_hour), (300, settings.container_writes_per_5_minutes))
        for seconds, most in limits:
            recent = [each for each in times if each > now - seconds]
            if len(recent) >= most:
                wait = seconds if most == 0 else recent[-most] + seconds - now
                raise ArmError(
                    429,
                    "TooManyRequests",
                    f"Container group {what} in region '{region}' are limited to {most} in {seconds // 60} minutes.",
                    retry_after=math.ceil(wait),
                )
        times[:] = [*(each for each in times if each > now - 3600), now]
