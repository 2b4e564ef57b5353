"""A data plane in tests: real environments, real scoring servers, real gateways, on code written for the test."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psutil

from azml_local.scoring import DataPlane, Deployment, Endpoint, Probe

KEY = "the-primary-key"
ENDPOINT = Endpoint(
    id="/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/churn",
    name="churn",
    auth_mode="Key",
    keys=(KEY, "the-secondary-key"),
    traffic={"blue": 100},
)
SCORE = """
import json, os, time
weights = None
def init():
    pass
def run(data):
    data = json.loads(data)
    time.sleep(data.get("sleep", 0))
    ids = {"pid": os.getppid(), "worker": os.getpid()}
    return {"version": VERSION, "weights": weights, "environ": dict(os.environ), **ids}
"""
QUICK = Probe(initial_delay_s=0, period_s=0.3, timeout_s=0.7, failure_threshold=2)
PATIENT = Probe(initial_delay_s=0, period_s=1, timeout_s=1, failure_threshold=30)


@dataclass
class Answer:
    status: int
    body: Any


@dataclass
class Rig:
    """A plane, its home, and what deployments are made of."""

    plane: DataPlane
    home: Path
    uri: str = ""
    said: list[str] = field(default_factory=list)
    strangers: list[psutil.Process] = field(default_factory=lambda: psutil.Process().children(recursive=True))

    def deployment(self, script: str = SCORE, version: object = 1, **changes: Any) -> Deployment:
        """Write code and model, and make a deployment `blue` of them."""
        code = self.home.parent / f"code-{time.monotonic_ns()}"
        code.mkdir()
        (code / "score.py").write_text(f"VERSION = {version!r}\n{script}")
        model = code.with_name(code.name.replace("code", "model"))
        model.mkdir()
        (model / "weights.json").write_text("[1, 2]")
        made = Deployment(
            id=f"{ENDPOINT.id}/deployments/blue",
            name="blue",
            endpoint_id=ENDPOINT.id,
            model=model,
            code=code,
            scoring_script="score.py",
            liveness=PATIENT,
            readiness=PATIENT,
            model_name="churn",
            model_version="7",
        )
        return replace(made, **changes)

    async def put(self, deployment: Deployment) -> None:
        await self.plane.put_deployment(deployment, self.said.append)

    async def score(self, key: str = KEY, **body: Any) -> Answer:
        return await asyncio.to_thread(request, self.uri, key, body)

    async def result(self, **body: Any) -> dict[str, Any]:
        """The model's own answer."""
        answer = await self.score(**body)
        assert answer.status == 200, answer
        result: dict[str, Any] = answer.body
        return result

    def children(self) -> list[psutil.Process]:
        """Every process below this one that belongs to the plane: none of those that other tests have started."""
        return [each for each in psutil.Process().children(recursive=True) if each not in self.strangers]


def request(uri: str, key: str, body: object) -> Answer:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    asked = urllib.request.Request(uri, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as response:
            return Answer(response.status, json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode())


class Load:
    """One caller who asks all the time, in a thread; `answers` afterwards."""

    def __init__(self, uri: str) -> None:
        self.answers: list[Answer] = []
        self._uri = uri
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._done.is_set():
            self.answers.append(request(self._uri, KEY, {}))

    async def __aenter__(self) -> Self:
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._done.set()
        await asyncio.to_thread(self._thread.join)


@asynccontextmanager
async def rig(directory: Path, endpoint: Endpoint = ENDPOINT, accepts: str = "") -> AsyncIterator[Rig]:
    """A plane with one endpoint; `accepts` is the token that opens it in the token modes."""
    plane = DataPlane(directory / "online", lambda _, token: token == accepts)
    made = Rig(plane, directory / "online")
    try:
        made.uri = await plane.put_endpoint(endpoint)
        yield made
    finally:
        await plane.close()


async def until(true: Callable[[], bool], limit_s: float = 10) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.02)
