"""The policy pack on azml's own program, and on the same estate by hand (tests/bench/raw): one verdict."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from azml_cli.engine import LocalEngine
from azml_cli.project import Project
from tests.support.clone import Clone

pytestmark = pytest.mark.engine

Findings = list[tuple[str, str, str, str]]
"""Rule, level, type of the resource, what is said of it."""


@pytest.fixture(scope="module")
def engine_of(clone: Clone) -> Iterator[LocalEngine]:
    made = LocalEngine(Project(clone.root))
    yield made
    made._turn.close()


def previewed(engine: LocalEngine, folder: Path, *config: str) -> Findings:
    log = engine.project.state / "policy-events.json"
    pack, environment = engine.project.root / "policies", {**engine.environment, "PULUMI_DEBUG_COMMANDS": "true"}

    def pulumi(*arguments: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [engine.pulumi, *arguments, "--stack", "local", "--non-interactive"],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    pulumi("stack", "init")
    for setting in config:
        assert pulumi("config", "set", *setting.split()).returncode == 0
    done = pulumi("preview", "--policy-pack", pack, "--event-log", log)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()
    return [found(event["policyEvent"]) for event in events if "policyEvent" in event]


def found(event: dict[str, Any]) -> tuple[str, str, str, str]:
    type_, name = event["resourceUrn"].split("::")[2].rpartition("$")[2], event["resourceUrn"].rpartition("::")[2]
    return (
        event["policyName"],
        event["enforcementLevel"],
        type_,
        re.sub(rf"\b{re.escape(name)}\b", "IT", event["message"]),
    )


def test_the_same_estate_has_the_same_findings(clone: Clone, engine_of: LocalEngine) -> None:
    """But for the addresses that reach the workspace: azure-native cannot limit them, azml does."""
    deployment = {"file": "../samples/diabetes/deployment.yml", "release": "fixed", "instance_type": "Standard_DS3_v2"}
    acls = {"default_action": "deny", "ip_rules": [{"value": "203.0.113.0/24"}]}
    estate = {
        "extends": ["layers/base.yaml"], "stage": "dev",
        "workspace": {"name": "mlw-bench", "network_acls": acls},
        "online_endpoints": [{"name": "churn-0", "auth_mode": "key", "deployments": [deployment]}],
    }  # fmt: skip
    file = clone.root / "stacks" / "Pulumi.local.yaml"
    stack = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**stack, "config": {"serving:estate": estate}}))
    ours = previewed(engine_of, clone.root)
    raw = previewed(engine_of, clone.root / "tests/bench/raw", "endpoints 1", "policies:stage dev")
    assert not Counter(ours) - Counter(raw)
    ((rule, _, type_, _),) = Counter(raw) - Counter(ours)
    assert (rule, type_) == ("public-network", "azure-native:machinelearningservices:Workspace")
    assert {level for _, level, _, _ in ours} == {"advisory"}
    assert Counter(rule for rule, *_ in ours) == {
        "stateful-delete-or-replace": 5, "public-network": 4, "key-auth": 1, "image-without-digest": 1,
    }  # fmt: skip
