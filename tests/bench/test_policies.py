"""What the policy pack costs: each resource, over the wire as the engine asks, and a whole preview with and without."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import psutil
import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2 as wire

from azml_cli.engine import LocalEngine
from azml_cli.project import Project
from tests.bench.report import show
from tests.bench.test_preview import Program as Previewed
from tests.bench.test_preview import children, estate
from tests.support.clone import ROOT, Clone
from tests.unit.policies.kit import GROUP, OURS, struct
from tests.unit.policies.test_server import started

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
ROUNDS, RESOURCES = 9, 500
SIZES = 10, 100
"""Endpoints of an estate."""
PROBE = {
    "initialDelay": "PT10S", "period": "PT10S", "timeout": "PT2S", "successThreshold": 1, "failureThreshold": 30,
}  # fmt: skip
DEPLOYMENT = {
    "endpointId": f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/churn",
    "name": "ridge-0123456789", "deployment": "ridge", "release": "0123456789", "model": "m" * 120,
    "environmentId": "e" * 120, "codeId": "c" * 120, "scoringScript": "score.py", "instanceType": "Standard_DS3_v2",
    "instanceCount": 3, "appInsightsEnabled": False, "egressPublicNetworkAccess": "Enabled",
    "requestSettings": {"requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1, "maxQueueWait": "PT0.5S"},
    "livenessProbe": PROBE, "readinessProbe": PROBE, "tags": {"project": "diabetes"},
}  # fmt: skip


def test_each_resource() -> None:
    """An online deployment with all of its inputs, both calls that the engine makes for it, round trips included."""
    request = wire.AnalyzeRequest(
        type=OURS + "ManagedOnlineDeployment", urn="u", name="n", properties=struct(DEPLOYMENT)
    )
    wall: list[float] = []
    cpu: list[float] = []
    with started(ROOT / ".venv" / "bin" / "azml-policies", "127.0.0.1:1") as stub:
        (pack,) = psutil.Process().children()
        for _ in range(ROUNDS + 1):
            began, used = time.perf_counter(), pack.cpu_times()
            for _ in range(RESOURCES):
                with suppress(grpc.RpcError):  # it is not there, and the engine asks
                    stub.Remediate(request)
                stub.Analyze(request)
            now = pack.cpu_times()
            wall.append((time.perf_counter() - began) / RESOURCES * 1000)
            cpu.append((now.user + now.system - used.user - used.system) / RESOURCES * 1000)
    show("policy pack, a resource (wall, with a client in Python)", wall[1:], 1, "ms")
    show("policy pack, a resource (CPU of the pack)", cpu[1:], 1, "ms")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Previewed]:
    clone = Clone.make(tmp_path_factory.mktemp("policies"), engine)
    made = LocalEngine(Project(clone.root))
    one = Previewed(clone.root, made)
    one.pulumi("stack", "init")
    yield one
    made._turn.close()
    clone.azml("local", "stop")


@pytest.mark.engine
@pytest.mark.parametrize("endpoints", SIZES)
def test_a_preview(program: Previewed, endpoints: int) -> None:
    """The same preview with and without the pack, turn by turn: wall time, and CPU of all processes together."""
    write(program, endpoints)
    plain: list[tuple[float, float]] = []
    judged: list[tuple[float, float]] = []
    ways = [(plain, []), (judged, ["--policy-pack", str(ROOT / ".venv/bin/azml-policies")])]
    for turn in range(ROUNDS + 1):
        for times, arguments in ways[:: (-1) ** turn]:  # who comes first changes, too
            times.append(preview(program, *arguments))
    plain, judged = plain[1:], judged[1:]
    for index, what in enumerate(("wall", "CPU")):
        ratios = [(ours[index] / theirs[index] - 1) * 100 for ours, theirs in zip(judged, plain, strict=True)]
        show(f"policy pack, {endpoints} endpoints, added to a preview ({what})", ratios, 10, "%")
    print(f"  a preview without: {median(each[0] for each in plain):.1f} s")


def write(program: Previewed, endpoints: int) -> None:
    file = program.folder / "stacks/Pulumi.local.yaml"
    config: dict[str, Any] = yaml.safe_load(file.read_text())
    config["config"] = {"serving:estate": estate(endpoints)}
    file.write_text(yaml.safe_dump(config, sort_keys=False))


def preview(program: Previewed, *arguments: str) -> tuple[float, float]:
    began, used = time.perf_counter(), children()
    program.pulumi("preview", *arguments)
    return time.perf_counter() - began, children() - used
