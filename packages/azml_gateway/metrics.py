"""What happened, counted: requests and mirrored copies by deployment, status, the model's own status and latency.

Totals only grow and start at zero with the process; what happened in each second goes to disk, where the config names
a folder (`counts`). Where they are plotted is not decided here.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from azml_gateway import counts
from azml_gateway.counts import Key, Second

NO_STATUS = "0"
"""Of a model that did not answer, as text."""


class Metrics:
    """The counts of one gateway process."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is where each second is written down; None: nowhere."""
        self.connected = 0
        """Connections opened in this second."""
        self._folder = folder
        self._live: dict[Key, int] = {}
        self._mirror: dict[Key, int] = {}
        self._live_before: Counter[Key] = Counter()
        self._mirror_before: Counter[Key] = Counter()
        self._dropped: Counter[str] = Counter()

    def answered(self, deployment: str, status: int, model_status: int, seconds: float) -> None:
        """Count a live request that ended. `deployment` is empty where none was chosen (401, 404)."""
        key = (deployment, status, model_status, counts.step(seconds))
        self._live[key] = self._live.get(key, 0) + 1

    def mirrored(self, deployment: str, status: int, model_status: int, seconds: float) -> None:
        """Count a copy that ended; `status` is what a live caller would have got."""
        key = (deployment, status, model_status, counts.step(seconds))
        self._mirror[key] = self._mirror.get(key, 0) + 1

    def dropped(self, deployment: str) -> None:
        """Count a copy that was not sent."""
        self._dropped[deployment] += 1

    async def keep(self, active: Callable[[], int]) -> None:
        """Write each second down when it is over, until cancelled. `active` tells how many connections are open."""
        second = int(time.time())
        try:
            while True:
                await asyncio.sleep(1 - time.time() % 1)
                self._end(second, active())
                second = int(time.time())
        finally:
            self._end(second, active())

    def snapshot(self) -> dict[str, Any]:
        """All totals, JSON-ready."""
        live = self._live_before + Counter(self._live)
        mirror = self._mirror_before + Counter(self._mirror)
        names = sorted({key[0] for key in (*live, *mirror)} | set(self._dropped))
        return {"deployments": {name: self._of(name, live, mirror) for name in names}}

    def _of(self, name: str, live: Mapping[Key, int], mirror: Mapping[Key, int]) -> dict[str, dict[str, int]]:
        copies = _by(mirror, name, 2)
        if NO_STATUS in copies:
            copies["failed"] = copies.pop(NO_STATUS)
        return {
            "status": _by(live, name, 1),
            "model_status": {status: count for status, count in _by(live, name, 2).items() if status != NO_STATUS},
            "mirrored": copies | ({"dropped": self._dropped[name]} if name in self._dropped else {}),
        }

    def _end(self, second: int, active: int) -> None:
        ended = Second(second, active, self.connected, self._live, self._mirror)
        self._live_before.update(self._live)
        self._mirror_before.update(self._mirror)
        self._live, self._mirror, self.connected = {}, {}, 0
        if self._folder is None or ended.empty:
            return
        try:
            counts.append(self._folder, ended)
        except OSError as error:  # answering goes on without
            logging.getLogger(__name__).warning("the counts of a second are lost: %s", error)


def _by(counted: Mapping[Key, int], name: str, place: int) -> dict[str, int]:
    """Sum a deployment's counts by one part of their keys."""
    sums: Counter[str] = Counter()
    for key, count in counted.items():
        if key[0] == name:
            sums[str(key[place])] += count
    return dict(sorted(sums.items()))
