"""What azml writes for a serving image is what the stand-in builds."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azml.image_context import stage
from azml.image_dockerfile import dockerfile
from azml.image_manifest import manifest_of
from azml.spec.serving_image import ServingImageSpec
from azml_local.docker import recipe
from azml_local.docker.context import Entry
from azml_local.docker.dockerfile import read
from tests.support.provider_client import Client
from tests.unit.docker.conftest import Program

IMAGE = "docker:index/image:Image"
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)


def followed(text: str) -> recipe.Recipe:
    names = ("environment/conda.yml", "environment/requirements.txt", "gateway/a.py", "m1/a", "code/score.py", "azml/m")
    return recipe.make(read(text), [Entry(name, Path("/dev/null")) for name in names])


@given(st.dictionaries(st.from_regex(r"[a-z][a-z.]{0,20}", fullmatch=True), TEXT, max_size=4))
def test_any_label_arrives_as_it_was(labels: dict[str, str]) -> None:
    assert followed(dockerfile("base:1", "score.py", [("churn", "3")], ["m1"], {}, labels)).labels == labels


@given(TEXT)
def test_any_scoring_script_arrives_as_it_was(script: str) -> None:
    assert followed(dockerfile("base:1", script, [], [], {}, {})).env["AZUREML_ENTRY_SCRIPT"] == script


@pytest.fixture(name="staged")
def _staged(program: Program) -> Program:
    """A serving image's context, made as its component makes it; the environment is the smallest that serves."""
    for name, text in {
        "in/code/score.py": "def init(): pass\n",
        "in/model/weights.bin": "w",
        "in/conda.yml": "dependencies: [python=3.11, pip]\n",
        "in/sample.json": '{"data": [[1, 2.5]]}',
    }.items():
        program.write(name, text)
    at = program.folder / "in"
    spec = ServingImageSpec.from_args(
        {
            "name": "churn",
            "models": [{"name": "churn", "version": "3", "path": str(at / "model")}],
            "environment": {"conda_file": str(at / "conda.yml"), "image": "base:1"},
            "code_configuration": {"code": str(at / "code"), "scoring_script": "score.py"},
            "sample_request": str(at / "sample.json"),
        }
    )
    stage(manifest_of(spec).context(), program.folder / "staged" / "tag")
    return program


def test_a_serving_image_is_built(client: Client, staged: Program) -> None:
    build = {"context": "staged/tag", "dockerfile": "staged/tag/Dockerfile", "platform": "linux/amd64"}
    client.create(IMAGE, staged.inputs(build=build))
    manifest, config = staged.registry.image("diabetes:t1")
    files: set[str] = set()
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(staged.registry.blobs[layer["digest"]])) as tar:
            files |= {member.name for member in tar if member.isfile()}
    assert files >= {
        "var/azureml-app/code/score.py",
        "var/azureml-app/azml/manifest.json",
        "opt/azml/env/pyvenv.cfg",
        "opt/azml/env/bin/azmlinfsrv",
        "opt/azml/env/lib/python3.11/site-packages/httptools/__init__.py",
        "opt/azml/gateway/azml_gateway/container.py",
    }
    variables = dict(pair.split("=", 1) for pair in config["config"]["Env"])
    (weights,) = (name for name in files if name.endswith("/weights.bin"))
    assert weights.startswith(variables["AZUREML_MODEL_DIR"].lstrip("/"))
    assert config["config"]["Entrypoint"][0] == "/opt/azml/env/bin/python"
    assert config["config"]["Labels"]["azml.local.base-absent"] == "base:1"
