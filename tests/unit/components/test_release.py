"""What a spec becomes, where a whole endpoint would only be in the way."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from azml import release
from azml.resources.environment_version import EnvironmentVersionHandler
from azml.resources.model_version import ModelVersionHandler
from azml.resources.resource import to_wire
from azml.spec import EnvironmentSpec, ModelSpec


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "conda.yml").write_text("name: e\ndependencies: [python=3.11]\n")
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    return tmp_path


def test_the_program_and_the_provider_name_a_model_alike(files: Path) -> None:
    """A preview shows names made here; a program in another language leaves them to the provider."""
    spec = ModelSpec.from_args({"name": "m", "path": str(files / "model"), "type": "mlflow_model"})
    made = release.model(spec, "")
    checked = ModelVersionHandler().check(
        {"workspaceId": "w", "name": "m", "path": made.args["path"], "type": "mlflow_model"}
    )
    assert (made.version, made.args["content_hash"]) == (checked["version"], checked["contentHash"])


@pytest.mark.parametrize("kind", ["conda", "build", "routes"])
def test_the_program_and_the_provider_name_an_environment_alike(files: Path, kind: str) -> None:
    route = {"path": "/x", "port": 8080}
    written: dict[str, Any] = {
        "conda": {"image": "i:1", "conda_file": str(files / "conda.yml")},
        "build": {"build": {"path": str(files), "dockerfile_path": "Dockerfile"}},
        "routes": {
            "image": "i:1",
            "inference_config": {"liveness_route": route, "readiness_route": route, "scoring_route": route},
        },
    }[kind]
    made = release.environment(EnvironmentSpec.from_args({"name": "e", **written}), "")
    from azml.resources.environment_version import EnvironmentVersionArgs

    wire = to_wire({**made.args, "workspace_id": "w", "name": "e"}, EnvironmentVersionArgs)
    content = wire.pop("contentHash")
    checked = EnvironmentVersionHandler().check(wire)
    assert (made.version, content) == (checked["version"], checked["contentHash"])


def test_an_inline_conda_map_is_the_file_it_stands_for(files: Path) -> None:
    conda = {"name": "e", "dependencies": ["python=3.11", {"pip": ["a==1"]}]}
    made = release.environment(EnvironmentSpec.from_args({"name": "e", "image": "i:1", "conda_file": conda}), "")
    assert yaml.safe_load(made.args["conda_file"]) == conda


def test_a_version_that_is_written_stays(files: Path) -> None:
    spec = ModelSpec.from_args({"name": "m", "version": 7, "path": str(files / "model")})
    assert release.model(spec, "").version == "7"
