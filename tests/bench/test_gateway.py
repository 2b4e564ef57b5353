"""What the gateway costs: the sample's model asked through it and directly, by the same client, turn by turn.

The upstream is Microsoft's inference server with the sample's model and one worker, as Azure starts it. It takes longer
for a request than gateway and client together, so on two cores it is what limits, as a model does in real life; the
CPU time of each process, which does not depend on who else is busy, says how far that is from tipping over.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from azml_local.scoring.conda import read
from azml_local.scoring.environments import Environments, cache
from tests.bench.report import show
from tests.support.running_gateway import KEYS, free_port, gateway

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
CONNECTIONS, SECONDS, ROUNDS = 8, 2, 8
LOAD = Path(__file__).with_name("load.py")


@dataclass(frozen=True)
class Run:
    """What a client saw, and the CPU time that the processes took for it. Milliseconds, and requests a second."""

    rate: float
    median: float
    client: float
    server: float
    gateway: float


@contextmanager
def scoring_server(root: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Microsoft's inference server with the sample's model, as a process; its address."""
    sample = root / "samples/diabetes"
    conda = read((sample / "conda.yml").read_text())
    python = asyncio.run(Environments(cache()).ready(conda, lambda _: None)) / "bin" / "python"
    port = free_port()
    command = [python, "-m", "azureml_inference_server_http", "--entry_script", sample / "code/score.py"]
    variables = {"AZUREML_MODEL_DIR": str(sample), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(
        [*command, "--model_dir", sample, "--port", str(port)],
        env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def wait_for(uri: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the scoring server ended"
        try:
            urllib.request.urlopen(uri, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and its children so far."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def load(address: str, body: Path, connections: int, server: psutil.Process, front: psutil.Process, key: str) -> Run:
    before = cpu(server), cpu(front)
    command = [sys.executable, LOAD, address, body, str(connections), str(SECONDS), *([key] if key else [])]
    seen = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    each = 1000 / seen["requests"]
    return Run(
        seen["requests"] / seen["seconds"],
        seen["median_ms"],
        seen["cpu_ms"],
        (cpu(server) - before[0]) * each,
        (cpu(front) - before[1]) * each,
    )


def test_gateway(tmp_path: Path, root: Path) -> None:
    body = root / "samples/diabetes/sample-request.json"
    with scoring_server(root) as (upstream, server):
        deployment = {"instances": [upstream], "max_concurrent": CONNECTIONS, "request_timeout_s": 60}
        with gateway(tmp_path, traffic={"blue": 100}, deployments={"blue": deployment}) as running:
            front = psutil.Process(running.process.pid)
            through = f"127.0.0.1:{running.port}"
            for connections in (CONNECTIONS, 1):
                pairs = []
                for turn in range(ROUNDS):
                    ways = [(through, KEYS[0]), (upstream, "")]  # who comes first changes, too
                    runs = {way: load(way, body, connections, server, front, key) for way, key in ways[:: (-1) ** turn]}
                    pairs.append((runs[through], runs[upstream]))
                report(connections, pairs)


def report(connections: int, pairs: list[tuple[Run, Run]]) -> None:
    """The rate counts where there are enough callers to keep the server busy; a single one waits for the way there."""
    what = "1 connection" if connections == 1 else f"{connections} connections"
    direct = statistics.median(run.rate for _, run in pairs)
    print(f"\nScoring server asked directly, {what}: {direct:.0f} requests a second")
    if connections > 1:
        show(f"gateway, {what}", [run.rate / direct.rate for run, direct in pairs], 0.9, "× the rate", at_least=True)
    show(f"gateway, {what}, added", [run.median - direct.median for run, direct in pairs], 1, "ms at the median")
    for name in ("server", "gateway", "client"):
        through, directly = (statistics.median(getattr(pair[way], name) for pair in pairs) for way in (0, 1))
        print(f"  CPU a request, {name}: {through:.3f} ms, asked directly {directly:.3f}")
