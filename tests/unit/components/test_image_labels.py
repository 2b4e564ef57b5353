"""What an image says of itself, in its labels and its manifest, and what is made from what its owner wrote."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from azml import release
from azml.image_manifest import Manifest, manifest_of
from azml.image_schema import schema_of
from azml.resources.image_labels import content_tag, models
from azml.spec.serving_image import ServingImageSpec

GATEWAY = Path(__file__).parents[3] / "packages" / "azml_gateway"
CONDA = "name: sk\ndependencies:\n- python=3.11\n- pip\n"


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Path:
    (tmp_path / "conda.yml").write_text(CONDA)
    (tmp_path / "model.bin").write_bytes(b"model")
    (tmp_path / "sample.json").write_text('{"data": [[1]]}')
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): pass\n")
    return tmp_path


def manifest(here: Path, **more: Any) -> Manifest:
    args = {
        "name": "team/churn",
        "model": {"path": str(here / "model.bin")},
        "environment": {"conda_file": str(here / "conda.yml"), "image": "base:1"},
        "code_configuration": {"code": str(here / "code"), "scoring_script": "score.py"},
        **more,
    }
    return manifest_of(ServingImageSpec.from_args(args))


def document(made: Manifest) -> Any:
    return json.loads(source(made, "azml/manifest.json"))


def source(made: Manifest, path: str) -> bytes:
    found = made.context()[path].source
    return found if isinstance(found, bytes) else found.read_bytes()


def test_the_manifest_says_what_is_in_the_image(here: Path) -> None:
    made = manifest(here)
    said = document(made)
    (name, number), = made.models  # fmt: skip
    assert (said["base"], said["entry_script"], said["models"]) == (
        "base:1", "score.py", [{"name": name, "version": number}],
    )  # fmt: skip
    assert said["files"]["code/score.py"][:2] == ["644", len("def init(): pass\n")]
    assert said["manifest"] == made.hash
    assert len(made.tag) == 20
    assert made.hash.startswith(made.tag)


def test_versions_are_those_that_a_workspace_has(here: Path) -> None:
    """A model and its code on an endpoint and in an image have one version."""
    made = manifest(here, environment={"conda_file": str(here / "conda.yml"), "name": "sk", "version": "5"})
    assert made.labels["azml.code"] == f"{release.code(here / 'code', 'churn').version}/score.py"
    assert made.labels["azml.environment"] == "sk:5"
    assert manifest(here).labels["azml.environment"].startswith("team/churn:")
    assert made.labels["org.opencontainers.image.base.name"].startswith("mcr.microsoft.com/azureml/minimal-py312-")
    assert made.labels["org.opencontainers.image.title"] == "team/churn"


def test_a_model_without_a_name_is_called_as_the_image(here: Path) -> None:
    """Names of models have no slash (azml.facts.names); a repository's may."""
    made = manifest(here)
    assert [name for name, _ in made.models] == ["team-churn"]
    assert made.labels["azml.models"].startswith("team-churn:")


def test_what_is_written_on_an_image_is_read_back(here: Path) -> None:
    two = [{"name": name, "version": "1", "path": str(here / "model.bin")} for name in ("a", "b")]
    made = manifest(here, model=None, models=two)
    labels = {**made.labels, "azml.manifest": made.hash}
    assert (content_tag(labels), models(labels)) == (made.tag, ("a:1", "b:1"))
    assert (content_tag({}), models({})) == (None, ())
    assert models({"azml.models": ""}) == ()


def test_ends_of_lines_of_the_conda_file_are_no_content(here: Path) -> None:
    """Git writes others on other machines."""
    unix = manifest(here).hash
    for text in (CONDA.replace("\n", "\r\n"), CONDA.rstrip("\n")):
        (here / "conda.yml").write_bytes(text.encode())
        assert manifest(here).hash == unix


def test_the_whole_gateway_is_in_it(here: Path) -> None:
    staged = {path.rpartition("/")[2] for path in manifest(here).files if path.startswith("gateway/azml_gateway/")}
    assert staged == {file.name for file in GATEWAY.glob("*.py")}


def test_a_schema_is_made_where_none_is_given(here: Path) -> None:
    sample, schema = here / "sample.json", here / "schema.json"
    made = json.loads(source(manifest(here, sample_request=str(sample)), "azml/request-schema.json"))
    jsonschema.validate({"data": [[2.5]]}, made)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"rows": []}, made)
    both = manifest(here, sample_request=str(sample), request_schema=str(schema))
    assert source(both, "azml/request-schema.json") == schema.read_bytes()
    assert source(both, "azml/sample-request.json") == sample.read_bytes()
    assert not [path for path in manifest(here).files if path.startswith("azml/")]


def test_a_schema_shows_its_sample_and_takes_what_a_sample_cannot_tell() -> None:
    made = schema_of({"rows": []})
    assert made["examples"] == [{"rows": []}]
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.validate({"rows": [1, "a", None]}, made)
