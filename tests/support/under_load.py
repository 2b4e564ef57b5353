"""An estate that is asked all the time: a clone, and its releases, good ones and ones with each kind of fault.

What callers see of them is the steady client's to say (`asking`), and what must hold is the tests'.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from azure.core.exceptions import AzureError

from tests.support import steady_client
from tests.support.asking import Answers, Asking
from tests.support.clone import Clone
from tests.support.steady_client import Order

ENDPOINT = "diabetes"
DEPLOYMENT = "samples/diabetes/deployment.yml"
SCORE = "samples/diabetes/code/score.py"
MODEL = "samples/diabetes/model/diabetes.joblib"
SLOW_S = 1.0
"""How long a slow release takes: more than any machine on which these run at all takes for a good one."""
A_WHILE = 100
"""How many requests a release answers that fails after a while: more than gates send before it is live."""
LEAK_MB = 20
"""What a request costs a release that leaks."""
MEMORY_GB = 2
"""What an instance has: gates do not fill it, and live requests do."""
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
    "is slow": (_RUN, f"    time.sleep({SLOW_S})\n{_RUN}"),
    "fails for two patients at once": (_RUN, f"    if len(data) > 1:\n        raise ValueError('one only')\n{_RUN}"),
    "fails after a while": (
        _RUN,
        f"    asked.append(b'')\n    if len(asked) > {A_WHILE}:\n        raise ValueError('full')\n{_RUN}",
    ),
    "leaks until killed": (_RUN, f"    asked.append(b'x' * {LEAK_MB << 20})\n{_RUN}"),
}
"""What a line of the sample's scoring script becomes in a bad release. A leak ends where memory does."""
GATES = {
    "smoke": ["../requests/one.json"],
    "golden": [{"request": "../requests/one.json", "expected": "../requests/one-answer.json", "tolerance": 1e-9}],
    "schema": True,
}
"""Gates by own requests: about one patient, where callers ask about two."""


Told = tuple[subprocess.CompletedProcess[str], Answers]
"""How a command ended, and what callers saw of it."""


def counted(said: str) -> int:
    """How many live requests failed, by the report of a failed rollout."""
    return int(re.findall(r"^.*Live requests to it.* (\d+) of them failed", said, re.MULTILINE)[-1])


class Estate:
    """The sample in a clone of its own, release after release."""

    def __init__(self, clone: Clone) -> None:
        self.clone = clone
        read = [clone.scoring_python(), "-W", "ignore", "-c", _READ_MODEL, clone.root / MODEL]
        done = subprocess.run(read, capture_output=True, check=True, text=True)
        self._ridge: dict[str, Any] = json.loads(done.stdout)
        score = (clone.root / SCORE).read_text()
        self._score = score.replace("import os\n", "import os\nimport time\n", 1) + "\n\nasked: list[bytes] = []\n"
        self._stack = clone.root / "stacks/Pulumi.local.yaml"
        self._deploy(request_settings=_PATIENT)
        self._write_request()
        home = clone.root / ".azml/local"
        home.mkdir(parents=True)
        (home / "settings.yaml").write_text(f"instance_memory_gb: {MEMORY_GB}\n")
        self.release("first")

    def roll_out(self, **how: Any) -> None:
        """Write how releases go live: `rollout` of the endpoint."""
        config = yaml.safe_load(self._stack.read_text())
        (item,) = config["config"]["serving:estate"]["online_endpoints"]
        item["rollout"] = how
        self._stack.write_text(yaml.safe_dump(config, sort_keys=False))

    def in_place(self, instances: int) -> None:
        """Let one deployment of so many instances be changed where it is, release after release."""
        self._deploy(release="fixed", instance_count=instances)

    def _deploy(self, **keys: Any) -> None:
        file = self.clone.root / DEPLOYMENT
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | keys, sort_keys=False))

    def release(self, name: str, fault: str | None = None) -> None:
        """Write a release's program. The same name and fault are the same release again."""
        score = self._score
        if fault is not None:
            assert FAULTS[fault][0] in score
            score = score.replace(*FAULTS[fault])
        (self.clone.root / SCORE).write_text(f"{score}RELEASE = {name!r}\n")

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
        """Who has a share."""
        live = self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}")["properties"]["traffic"]
        return {name: share for name, share in live.items() if share}

    @property
    def deployments(self) -> set[str]:
        found = self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}/deployments")["value"]
        return {each["name"] for each in found}

    def _write_request(self) -> None:
        """What gates send, and the answer to it, computed here."""
        folder = self.clone.root / "requests"
        folder.mkdir()
        row = steady_client.patients(0)[0]
        answer = steady_client.predicted(self._ridge["coefficients"], self._ridge["intercept"], [row])
        (folder / "one.json").write_text(json.dumps({"data": [row]}))
        (folder / "one-answer.json").write_text(json.dumps(answer))

    @property
    def _address(self) -> str | None:
        """Where the endpoint is asked; None: it has not come so far."""
        try:
            return str(self.clone.arm_get(f"onlineEndpoints/{ENDPOINT}")["properties"]["scoringUri"])
        except (OSError, ValueError, KeyError, AzureError):
            return None

    @contextmanager
    def _asked(self, folder: Path, rate: float) -> Iterator[Asking]:
        uri = self._address
        assert uri is not None
        key = self.clone.arm_post(f"onlineEndpoints/{ENDPOINT}/listKeys")["primaryKey"]
        asking = Asking(folder, Order(uri, key, rate, **self._ridge, record=str(folder / "answers.jsonl")))
        try:
            yield asking
        finally:
            asking.stop()
