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


IMAGES = """
container_registry:
  images:
    - name: churn
      model: {name: churn, path: model.bin}
      environment: {conda_file: conda.yml}
      code_configuration: {code: code, scoring_script: score.py}
container_services:
  - {name: "aci-{stage}", image: churn}
  - {name: other, image: "churn:3"}
"""


@pytest.fixture
def images(project: Path) -> str:
    """The estate with images and services; the digest that one of them pins."""
    digest = "0123456789abcdef" * 4
    (project / "conda.yml").write_text("dependencies: [python=3.11]")
    (project / "layer.yaml").write_text(LAYER + IMAGES)
    for stage in ("dev", "prod"):
        pinned = f"{{name: pinned, image: cr{stage}.azurecr.io/churn@sha256:{digest}}}"
        estate = f"{{extends: [layer.yaml], stage: {stage}, container_services: [{pinned}]}}"
        (project / f"Pulumi.{stage}.yaml").write_text(f"config: {{'risk:estate': {estate}}}\n")
    return digest


def test_images_count_by_what_is_in_them_and_services_by_their_images(project: Path, images: str) -> None:
    said = versions("dev")
    assert said.exit_code == 0, said.stderr
    lines = said.stdout.splitlines()
    (built,) = [line for line in lines if line.startswith("image churn:")]
    tag, content = built.removeprefix("image churn:").split()
    assert content.startswith(tag)
    assert len(content) == hashlib.sha256().digest_size * 2
    assert [line for line in lines if line.startswith("container service: ")] == [
        f"container service: {line}" for line in sorted(["image churn:3", built, f"image churn@sha256:{images}"])
    ]
    assert versions("prod").stdout == said.stdout  # each stage has services and a registry of its own


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize(
    ("file", "content"), [("code/score.py", "changed"), ("conda.yml", "dependencies: [python=3.12]")]
)
def test_another_content_is_another_image(project: Path, file: str, content: str) -> None:
    before = json.loads(versions("dev", "--json").stdout)
    (project / file).write_text(content)
    done = versions("prod", "--same-as", json.dumps(before))
    assert done.exit_code == 1
    (built,) = [line for line in before if line.startswith("image churn:")]
    assert f"there      {built}" in done.stderr
    assert f"there      container service: {built}" in done.stderr


@pytest.mark.usefixtures("images")
def test_a_service_of_another_image_is_another_version(project: Path) -> None:
    before = versions("dev", "--json").stdout
    layer = project / "layer.yaml"
    layer.write_text(layer.read_text().replace("churn:3", "churn:4"))
    said = versions("prod", "--same-as", before).stderr
    assert "there      container service: image churn:3" in said
    assert "in prod    container service: image churn:4" in said


@pytest.mark.parametrize("nothing", ["", "null", "{}", "versions"])
def test_a_comparison_with_nothing_does_not_pass(nothing: str) -> None:
    """What a pipeline hands on by a wrong name is empty."""
    done = versions("prod", "--same-as", nothing)
    assert done.exit_code == 2
    assert "--same-as is no list in JSON" in done.stderr
