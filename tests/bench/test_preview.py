"""What components cost: `pulumi preview` of an estate in the stack's config, against the same estate by hand.

The program by hand (`raw/`) registers the same resources, which is checked first; components are registrations too, so
times are compared by registration and in all. Both run turn by turn on one engine against one local Azure.
"""

import json
import re
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from azml_cli.engine import LocalEngine
from azml_cli.project import Project
from tests.bench.report import show
from tests.support.clone import Clone

pytestmark = [pytest.mark.bench, pytest.mark.engine, pytest.mark.timeout(1800)]
ROUNDS = 5
SIZES = 10, 100
Times = tuple[float, float]
"""Wall and CPU seconds."""
COMPONENTS = re.compile(r"azml:index:(Workspace|ContainerRegistry|OnlineEndpoint)$")


@dataclass(frozen=True)
class Program:
    """A Pulumi project, and the engine that runs it."""

    folder: Path
    engine: LocalEngine

    def pulumi(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.engine.pulumi, *arguments, "--stack", "local", "--non-interactive"],
            cwd=self.folder, env=self.engine.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def planned(self) -> list[dict[str, Any]]:
        """What a preview registers, the stack itself aside."""
        steps = json.loads(self.pulumi("preview", "--json"))["steps"]
        states: list[dict[str, Any]] = [step["newState"] for step in steps]
        return [state for state in states if state["type"] != "pulumi:pulumi:Stack"]

    def preview(self) -> Times:
        """What a preview takes, all its processes together."""
        started, used = time.perf_counter(), children()
        self.pulumi("preview")
        return time.perf_counter() - started, children() - used


def children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Clone]:
    made = Clone.make(tmp_path_factory.mktemp("preview"), engine)
    yield made
    made.azml("local", "stop")


@pytest.fixture(scope="module")
def programs(clone: Clone) -> Iterator[tuple[Program, Program]]:
    """The stack's own program and the one by hand."""
    engine = LocalEngine(Project(clone.root))
    ours, raw = Program(clone.root, engine), Program(clone.root / "tests/bench/raw", engine)
    for program in (ours, raw):
        program.pulumi("stack", "init")
    yield ours, raw
    engine._turn.close()


def estate(endpoints: int) -> dict[str, Any]:
    deployment = {"file": "../samples/diabetes/deployment.yml", "release": "fixed", "instance_type": "Standard_DS3_v2"}
    return {
        "extends": ["layers/base.yaml"],
        "stage": "dev",
        "workspace": {"name": "mlw-bench"},
        "online_endpoints": [
            {"name": f"churn-{number}", "auth_mode": "key", "deployments": [deployment]} for number in range(endpoints)
        ],
    }


def with_endpoints(programs: tuple[Program, Program], endpoints: int) -> None:
    ours, raw = programs
    file = ours.folder / "stacks/Pulumi.local.yaml"
    config = yaml.safe_load(file.read_text())
    config["config"] = {"serving:estate": estate(endpoints)}
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    raw.pulumi("config", "set", "endpoints", str(endpoints))


def comparable(states: list[dict[str, Any]]) -> Iterator[str]:
    """Types and inputs, without the two names that the provider makes of a resource's name in the program."""
    for state in states:
        if not COMPONENTS.search(state["type"]):
            text = json.dumps([state["type"], state.get("inputs")], sort_keys=True)
            yield re.sub(r'"(resourceGroupName|roleAssignmentName)": "[^"]*"', "", text)


def registrations(programs: tuple[Program, Program], endpoints: int) -> tuple[int, int]:
    """How many each program makes, its stack included, once it is sure that they make the same but for components."""
    ours, by_hand = (program.planned() for program in programs)
    only_ours, only_by_hand = Counter(comparable(ours)), Counter(comparable(by_hand))
    only_ours, only_by_hand = only_ours - only_by_hand, only_by_hand - only_ours
    assert not only_ours + only_by_hand, "\n".join([*only_ours, "and by hand", *only_by_hand])
    assert len(by_hand) > 4 * endpoints
    return len(ours) + 1, len(by_hand) + 1


def test_preview(programs: tuple[Program, Program]) -> None:
    counts, cpus = {}, {}
    for endpoints in SIZES:
        with_endpoints(programs, endpoints)
        counts[endpoints] = registrations(programs, endpoints)
        pairs = [(programs[0].preview(), programs[1].preview()) for _ in range(ROUNDS)]
        cpus[endpoints] = [(ours[1], by_hand[1]) for ours, by_hand in pairs]
        report(f"preview of {endpoints} endpoints", counts[endpoints], pairs)
    few, many = SIZES
    more = [counts[many][program] - counts[few][program] for program in (0, 1)]
    base = [median(pair[program] for pair in cpus[few]) for program in (0, 1)]
    slopes = [((ours - base[0]) / more[0]) / ((by_hand - base[1]) / more[1]) for ours, by_hand in cpus[many]]
    show("preview, CPU of each registration beyond those", slopes, 1.05, "× by hand")


def report(what: str, counts: tuple[int, int], pairs: list[tuple[Times, Times]]) -> None:
    more = counts[0] / counts[1]
    walls, cpus = ([ours[kind] / by_hand[kind] for ours, by_hand in pairs] for kind in (0, 1))
    ours_s, by_hand_s = (median(pair[program][0] for pair in pairs) for program in (0, 1))
    print(f"\n{what}: {counts[0]} registrations in {ours_s:.1f} s, by hand {counts[1]} in {by_hand_s:.1f} s")
    show(f"{what}, in all", walls, 1.35, "× by hand")
    show(f"{what}, by registration", [wall / more for wall in walls], 1.05, "× by hand")
    show(f"{what}, CPU by registration", [cpu / more for cpu in cpus], 1.05, "× by hand")
