"""Who asks the endpoint while its releases come and go, and who looks at its traffic.

Owns the steady client and its counting, and the lines about changes of traffic.
"""

import http.client
import os
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from project import Project, say, width

import azml_local
from azml.resources.arm import Arm
from azml.resources.arm_id import ArmId
from azml.resources.handler import ML
from azml_cli.rollout_view import bar

RATE = 20
"""Requests a second."""
TIMEOUT_S = 10
LOOK_S = 0.3
"""Between two looks at the traffic."""


@dataclass(frozen=True)
class Asked:
    """One request, and what became of it."""

    at: float
    """When, in seconds of the monotonic clock."""
    deployment: str
    """Who answered, as the endpoint says."""
    failed: bool


class Asking:
    """Asks at a steady rate, and looks at the traffic."""

    def __init__(self, id_: str, address: str, request: bytes) -> None:
        self._arm, self._id = Arm(), ArmId.parse(id_)
        self._uri, self._request = urllib.parse.urlsplit(address), request
        key = self._arm.post(f"{self._id.text}/listKeys", ML)["primaryKey"]
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self._connection = self._connect()
        self._looking = threading.Lock()
        self._seen: dict[str, int] = {}
        self.asked: list[Asked] = []

    @classmethod
    @contextmanager
    def of(cls, endpoint: dict[str, Any], project: Project) -> Iterator[Self]:
        """Ask as long as the block runs."""
        os.environ.update(azml_local.environment(project.local_azure))
        asking, done = cls(endpoint["id"], endpoint["scoring_uri"], project.request.read_bytes()), threading.Event()
        asking.look()
        threads = [_every(1 / RATE, asking.ask, done), _every(LOOK_S, asking.look, done)]
        try:
            yield asking
        finally:
            done.set()
            for thread in threads:
                thread.join()

    @property
    def live(self) -> dict[str, int]:
        """Who answers, with percent."""
        traffic = self._arm.get(self._id.text, ML)["properties"]["traffic"]
        return {name: share for name, share in sorted(traffic.items()) if share}

    def first_answer(self, since: float, deployment: str) -> float:
        """When a deployment answered first from a moment on."""
        return next((one.at for one in self.asked if one.at >= since and one.deployment == deployment), float("inf"))

    def look(self) -> None:
        """Say how the traffic is, where it has changed."""
        with self._looking:
            if (live := self.live) == self._seen:
                return
            begin, shares = f"   {time.strftime('%H:%M:%S')}  ", [_share(*one) for one in live.items()]
            line = begin + "   ".join(shares)
            below = f"\n{' ' * len(begin)}"  # where they do not fit beside each other
            say(line if len(line) <= width() else begin + below.join(shares), "32")
            self._seen = live

    def ask(self) -> None:
        """Send one request, and keep what became of it."""
        at = time.monotonic()
        try:
            self._connection.request("POST", self._uri.path, self._request, self._headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = self._connect()
            self.asked.append(Asked(at, "nobody", failed=True))
        else:
            by = answer.headers.get("azureml-model-deployment", "?")
            self.asked.append(Asked(at, by, failed=answer.status != http.client.OK))

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._uri.hostname or "", self._uri.port, timeout=TIMEOUT_S)


def answered_by(asked: list[Asked]) -> str:
    """`ridge-1 60 %, ridge-2 40 %`."""
    by = Counter(one.deployment for one in asked)
    return ", ".join(f"{name} {round(100 * number / len(asked))} %" for name, number in by.most_common())


def _share(name: str, percent: int) -> str:
    return f"{name} {bar(percent)} {percent:>3} %"


def _every(seconds: float, work: Callable[[], None], done: threading.Event) -> threading.Thread:
    def go_on() -> None:
        due = time.monotonic()
        while not done.wait(max(0.0, due - time.monotonic())):
            work()
            due += seconds

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    return thread
