"""What `azml preview` costs beside the engine's own preview, and what explaining a large plan takes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from azml_cli.engine import LocalEngine
from azml_cli.project import Project
from tests.bench.report import show
from tests.support.clone import ROOT, Clone
from tests.support.plans import COMPONENT, DEPLOYMENT, ENDPOINT, GROUP, ROLLOUT, STACK, step, urn

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
ROUNDS = 9
CHANGES = 5_000
OWN_SECONDS = 0.3
"""What azml may take besides its share: its start, and finding the engine."""
EXPLAINED = """
import json, resource, sys, time
from pathlib import Path
before = time.perf_counter()
from azml_change.comment import comment
from azml_change.plan import Plan
from azml_change.report import explain
document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
report = explain(Plan.read("dev", document))
assert len(comment("serving", [report])) <= 65_536
assert sum(report.changes.values()) == int(sys.argv[2])
print(time.perf_counter() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Clone]:
    made = Clone.make(tmp_path_factory.mktemp("change"), engine)
    yield made
    made.azml("local", "stop")


def test_a_plan_of_5000_changes(tmp_path: Path) -> None:
    """In a process of its own, reading the document included."""
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"steps": [made for number in range(CHANGES // 5) for made in _endpoint(number)]}))
    found = [_explained(file) for _ in range(ROUNDS)]
    print(f"\n{file.stat().st_size / 1e6:.1f} MB of plan")
    show("5,000 changes explained", [seconds for seconds, _ in found], 2, "s")
    show("5,000 changes explained", [megabytes for _, megabytes in found], 200, "MB")


def _explained(file: Path) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", EXPLAINED, str(file), str(CHANGES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def _endpoint(number: int) -> list[dict[str, object]]:
    """Five changes: a release, with its traffic, a tag on the endpoint, and the model's new version."""
    name = f"churn-{number}"
    component, id_ = urn(COMPONENT, name), f"{GROUP}/workspaces/w/onlineEndpoints/{name}"
    tagged = {"name": name, "workspaceId": f"{GROUP}/workspaces/w", "authMode": "Key", "tags": {"team": "risk"}}
    run = {"endpointId": id_, "deployment": "blue", "instanceType": "Standard_DS3_v2", "instanceCount": 3}
    old = {**run, "name": "blue-1", "model": f"{GROUP}/models/churn/versions/1", "environmentVariables": {"A": "1"}}
    new = {**run, "name": "blue-2", "model": f"{GROUP}/models/churn/versions/2", "environmentVariables": {"A": "2"}}
    way = {"endpointId": id_, "steps": [10, 50, 100], "bakeTime": "PT10M", "gates": {"maxErrorRate": 0.01}}
    traffic = {"blue-1": 100}, {"blue-2": 100}
    return [
        step("update", ENDPOINT, name, {**tagged, "tags": {}}, tagged, parent=component, diff={"tags": "update"}),
        step("create", DEPLOYMENT, f"{name}-blue-2", {}, new, parent=component),
        step("delete", DEPLOYMENT, f"{name}-blue-1", old, parent=component),
        step(
            "update", ROLLOUT, f"{name}-rollout", {**way, "traffic": traffic[0]}, {**way, "traffic": traffic[1]},
            parent=component, diff={"traffic": "update"},
        ),
        step("create", "azml:index:ModelVersion", f"{name}-model-2", {}, {"name": name, "version": "2"}, parent=STACK),
    ]  # fmt: skip


@pytest.mark.engine
def test_beside_the_engines_own_preview(clone: Clone) -> None:
    """Turn by turn; of azml's seconds 0.3 are its own."""
    engine = LocalEngine(Project(clone.root))
    engine.ensure_stack()
    engine._turn.close()
    pairs = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        plain = subprocess.run(
            [engine.pulumi, "preview", "--json", "--stack", "local", "--non-interactive"],
            cwd=clone.root, env=engine.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        between = time.perf_counter()
        ours = clone.azml("preview")
        pairs.append((time.perf_counter() - between, between - started))
        assert (plain.returncode, ours.returncode) == (0, 0), plain.stderr + ours.stderr
    ratios = [(ours_s - OWN_SECONDS) / plain_s for ours_s, plain_s in pairs[1:]]  # the first one warms caches
    print(f"\nazml preview {median(ours_s for ours_s, _ in pairs[1:]):.2f} s")
    show("azml preview, less 0.3 s", ratios, 1.05, "× pulumi preview --json")
