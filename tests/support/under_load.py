"""An estate that is asked all the time: a clone, its releases, and the steady client's own account of them.

Owns the releases (good ones, and ones with each kind of fault), and reading what the client wrote down. What must hold
is the tests' to say.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from azure.core.exceptions import AzureError

from tests.support import steady_client
from tests.support.clone import Clone
from tests.support.steady_client import Answer, Order

ENDPOINT = "diabetes"
SCORE = "samples/diabetes/code/score.py"
MODEL = "samples/diabetes/model/diabetes.joblib"
_SCRIPT = Path(steady_client.__file__)
_LATE_S = 120.0
_LONGEST_S = 900.0
_PATIENT = {"max_concurrent_requests_per_instance": 400, "max_queue_wait_ms": 60_000, "request_timeout_ms": 60_000}
"""Request settings: a machine that is busy elsewhere makes answers late, and none of them a failure."""
NOBODY_YET = (404, "The endpoint doesn't have any valid deployment with positive weight.")
"""What Azure answers before there is a first deployment with traffic."""
_READ_MODEL = """
import json, sys, joblib
ridge = joblib.load(sys.argv[1])
print(json.dumps({"coefficients": ridge.coef_.tolist(), "intercept": float(ridge.intercept_)}))
"""
_INIT, _RUN = "    global model\n", "    return model.predict(data).tolist()\n"
FAULTS = {
    "fails init()": (_INIT, f"    raise RuntimeError('no such weights')\n{_INIT}"),
    "answers 500": (_RUN, "    raise ValueError('these features are unknown')\n"),
    "answers wrong numbers": (_RUN, "    return (model.predict(data) + 1).tolist()\n"),
}
"""What a line of the sample's scoring script becomes in a bad release."""


@dataclass(frozen=True)
class Answers:
    """What the client saw from one moment to another: every request that was due, none left out."""

    all: list[Answer]

    @property
    def failed(self) -> list[Answer]:
        return [each for each in self.all if each.failed]

    @property
    def deployments(self) -> set[str]:
        """Who answered right."""
        return {each.deployment for each in self.all if not each.failed}

    def __str__(self) -> str:
        """Figures for people."""
        kinds = Counter(
            (each.status, each.deployment, "wrong numbers" if each.status == 200 else each.said) for each in self.failed
        )
        latencies = sorted(each.latency_s for each in self.all) or [0.0]
        at = [f"{latencies[int(part * (len(latencies) - 1))] * 1000:.0f}" for part in (0.5, 0.99, 1)]
        late = max((each.late_s for each in self.all), default=0)
        told = "".join(f"\n  {count} × {kind}" for kind, count in kinds.most_common(10))
        return (
            f"{len(self.all)} requests, {len(self.failed)} failed; ms at the median, 99 % and most: "
            f"{', '.join(at)}; the client {late * 1000:.0f} ms late at most{told}"
        )


class Asking:
    """A steady client at work."""

    def __init__(self, folder: Path, order: Order) -> None:
        file = folder / "order.json"
        file.write_text(json.dumps(asdict(order)))
        self._record = Path(order.record)
        self.rate = order.rate
        self._process = subprocess.Popen([sys.executable, _SCRIPT, file])
        self._answers: dict[int, Answer] = {}
        self._read = 0
        self._started: float | None = None

    def since(self, moment: float) -> Answers:
        """All that was asked since a moment (epoch seconds), once each request that was due until now has its line."""
        until, deadline = time.time(), time.monotonic() + _LATE_S
        while not self._has_all(until):
            assert self._process.poll() is None, "the client ended"
            assert time.monotonic() < deadline, "requests without an end"
            time.sleep(0.05)
        assert self._started is not None
        first = max(0, int((moment - self._started) * self.rate) + 1)
        numbers = range(first, int((until - self._started) * self.rate))
        return Answers([self._answers[number] for number in numbers])

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(_LATE_S) == 0

    def _has_all(self, until: float) -> bool:
        if not self._record.exists():
            return False
        with self._record.open() as file:
            file.seek(self._read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self._note(json.loads(line))
                self._read += len(line)
        return self._started is not None and all(
            number in self._answers for number in range(int((until - self._started) * self.rate))
        )

    def _note(self, line: dict[str, Any]) -> None:
        if "started" in line:
            self._started = line["started"]
            return
        answer = Answer(**line)
        self._answers[answer.number] = answer


Told = tuple[subprocess.CompletedProcess[str], Answers]
"""How a command ended, and what callers saw of it."""


class Estate:
    """The sample in a clone of its own, release after release."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        self._score = (clone.root / SCORE).read_text()
        self._stack = clone.root / "stacks/Pulumi.local.yaml"
        file = clone.root / "samples/diabetes/deployment.yml"
        deployment = yaml.safe_load(file.read_text()) | {"request_settings": _PATIENT}
        file.write_text(yaml.safe_dump(deployment, sort_keys=False))
        self.release("first")

    def configure(self, **endpoint: Any) -> None:
        """Change keys of the endpoint in the stack file; None takes one away."""
        config = yaml.safe_load(self._stack.read_text())
        (item,) = config["config"]["serving:estate"]["online_endpoints"]
        item.update(endpoint)
        for name in [name for name, value in item.items() if value is None]:
            del item[name]
        self._stack.write_text(yaml.safe_dump(config, sort_keys=False))

    def release(self, name: str, fault: str | None = None) -> None:
        """Write a release's program. The same name and fault are the same release again."""
        score = self._score
        if fault is not None:
            assert FAULTS[fault][0] in score
            score = score.replace(*FAULTS[fault])
        (self.clone.root / SCORE).write_text(f"{score}\n\nRELEASE = {name!r}\n")

    def up(self, asking: Asking) -> Told:
        """Make the program true; what was said, and what callers saw from its beginning until after its end."""
        return self.run(asking, "up")

    def run(self, asking: Asking, command: str) -> Told:
        began = time.time()
        done = self.clone.azml(command, "--local", timeout=_LONGEST_S)
        return done, asking.since(began)

    @contextmanager
    def first_up(self, folder: Path, rate: float) -> Iterator[tuple[Asking, subprocess.CompletedProcess[str], Answers]]:
        """From nothing, asked from the moment on when there is an address to ask."""
        with ThreadPoolExecutor(1) as aside, ExitStack() as asked:
            running = aside.submit(self.clone.azml, "up", "--local")
            while not running.done() and self._address is None:
                time.sleep(0.2)
            asking = asked.enter_context(self._asked(folder, rate))
            done = running.result()
            yield asking, done, asking.since(0)

    @property
    def traffic(self) -> dict[str, int]:
        return dict(self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}")["properties"]["traffic"])

    @property
    def deployments(self) -> set[str]:
        found = self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}/deployments")["value"]
        return {each["name"] for each in found}

    @property
    def _address(self) -> str | None:
        """Where the endpoint is asked; None: it has not come so far."""
        try:
            return str(self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}")["properties"]["scoringUri"])
        except (OSError, ValueError, KeyError, AzureError):
            return None

    @contextmanager
    def _asked(self, folder: Path, rate: float) -> Iterator[Asking]:
        read = [self.clone.scoring_python(), "-W", "ignore", "-c", _READ_MODEL, self.clone.root / MODEL]
        ridge = json.loads(subprocess.run(read, capture_output=True, check=True, text=True).stdout)
        uri = self._address
        assert uri is not None
        key = self.clone.arm_post(f"onlineEndpoints/{ENDPOINT}/listKeys")["primaryKey"]
        asking = Asking(folder, Order(uri, key, rate, **ridge, record=str(folder / "answers.jsonl")))
        try:
            yield asking
        finally:
            asking.stop()
