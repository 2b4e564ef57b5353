"""How long it takes to judge a large estate, against what that cannot do without: one parse and one pydantic pass."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from azml.spec import StackSpec, load
from azml_cli.__main__ import app
from tests.bench.report import ratios, show

pytestmark = pytest.mark.bench

ENDPOINTS = 1_000
NEEDED = """
import sys, yaml
from azml.spec import StackSpec
with open(sys.argv[1]) as file:
    StackSpec.model_validate(yaml.load(file, Loader=yaml.CSafeLoader)["config"]["serving:estate"])
"""


def estate() -> dict[str, object]:
    """Endpoints with one deployment each, as `az ml` files of the everyday kind write them."""
    deployment = {
        "name": "blue",
        "model": "azureml:churn:1",
        "environment": "azureml:sklearn:2",
        "instance_type": "Standard_DS3_v2",
        "instance_count": 2,
        "environment_variables": {"LOG_LEVEL": "info"},
        "request_settings": {"request_timeout_ms": 3000, "max_concurrent_requests_per_instance": 4},
    }
    return {
        "stage": "dev",
        "workspace": {"name": "mlw-bench", "location": "eastus"},
        "online_endpoints": [
            {"name": f"churn-{number}", "auth_mode": "key", "traffic": {"blue": 100}, "deployments": [deployment]}
            for number in range(ENDPOINTS)
        ],
    }


def test_a_thousand_endpoints(tmp_path: Path, root: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: serving\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()

    class Plain(yaml.CSafeDumper):
        """Writes every deployment out, as people do: no anchors."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

    text = yaml.dump({"config": {"serving:estate": estate()}}, Dumper=Plain, sort_keys=False)
    file = tmp_path / "stacks" / "Pulumi.dev.yaml"
    file.write_text(text)

    def ours() -> None:
        assert len(load(tmp_path / "stacks", "dev").online_endpoints) == ENDPOINTS

    def needed() -> None:
        parsed = yaml.load(text, Loader=yaml.CSafeLoader)["config"]["serving:estate"]
        assert len(StackSpec.model_validate(parsed).online_endpoints) == ENDPOINTS

    show(f"azml.spec.load, {ENDPOINTS} endpoints", ratios(ours, needed, 5), 3, "× parse + one pass")

    def command() -> None:
        with contextlib.chdir(tmp_path):
            assert CliRunner().invoke(app, ["validate", "dev"]).exit_code == 0

    show(f"azml validate, {ENDPOINTS} endpoints", ratios(command, needed, 5), 3, "× parse + one pass")

    def process() -> None:
        subprocess.run(
            [root / ".venv/bin/azml", "validate", "dev"], cwd=tmp_path, stdout=subprocess.DEVNULL, check=True
        )

    def needed_process() -> None:
        subprocess.run([sys.executable, "-c", NEEDED, file], check=True)

    show(f"azml validate, {ENDPOINTS} endpoints, with its start", ratios(process, needed_process, 5), 3, "× the same")
