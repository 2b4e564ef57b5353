"""`azml versions`: what stages can be compared by."""

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from azml_cli.__main__ import app

LAYER = """
workspace: {name: "mlw-{stage}"}
online_endpoints:
  - name: churn-{stage}
    deployments:
      - name: blue
        model: {name: churn, path: model.bin, type: custom_model}
        environment: azureml:sklearn:3
        code_configuration: {code: code, scoring_script: score.py}
        instance_type: Standard_DS3_v2
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: risk\n")
    (tmp_path / "layer.yaml").write_text(LAYER)
    (tmp_path / "model.bin").write_bytes(b"model")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def run(data): ...\n")
    for stage in ("dev", "prod"):
        estate = f"{{extends: [layer.yaml], stage: {stage}}}"
        (tmp_path / f"Pulumi.{stage}.yaml").write_text(f"config: {{'risk:estate': {estate}}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def versions(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["versions", *arguments])


def test_stages_with_one_content_say_the_same(project: Path) -> None:
    said = versions("dev").stdout
    code, environment, model = said.splitlines()
    assert environment == "blue: environment azureml:sklearn:3"
    assert code.startswith("blue: code blue:")
    name, content = model.removeprefix("blue: model ").split()
    assert name == f"churn:{content[:12]}"
    assert len(content) == hashlib.sha256().digest_size * 2
    assert versions("prod").stdout == said
    there = versions("dev", "--json").stdout
    assert json.loads(there) == said.splitlines()
    assert versions("prod", "--same-as", there).exit_code == 0


def test_other_content_is_refused_with_both_sides(project: Path) -> None:
    before = json.loads(versions("dev", "--json").stdout)
    (project / "model.bin").write_bytes(b"another")
    done = versions("prod", "--same-as", json.dumps(before))
    assert done.exit_code == 1
    assert "Stack prod is not what the stage before runs" in done.stderr
    gone = [line for line in before if "model" in line]
    (new,) = [line for line in json.loads(versions("prod", "--json").stdout) if line not in before]
    assert f"there      {gone[0]}" in done.stderr
    assert f"in prod    {new}" in done.stderr
    assert "blue: code" not in done.stderr, "what is the same is not listed"


@pytest.mark.parametrize("nothing", ["", "null", "{}", "versions"])
def test_a_comparison_with_nothing_does_not_pass(nothing: str) -> None:
    """What a pipeline hands on by a wrong name is empty."""
    done = versions("prod", "--same-as", nothing)
    assert done.exit_code == 2
    assert "--same-as is no list in JSON" in done.stderr
