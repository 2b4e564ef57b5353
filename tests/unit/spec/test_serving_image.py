"""Serving images: what can be known to fail before anything is built, and where it stands.

Expected rules: names and references by the grammar of distribution/reference and the OCI distribution specification;
limits by container-registry-limits (docs); request schemas by JSON Schema and OpenAPI themselves.
"""

import json
from pathlib import Path

import pytest

from azml.spec import StackSpec
from azml.spec.image_reference import ImageReference, parse

from .conftest import Project

DIGEST = "sha256:" + "0a" * 32
ROUTES = ("liveness_route", "readiness_route", "scoring_route")
SERVER = "{" + ", ".join(f"{route}: {{path: /, port: 80}}" for route in ROUTES) + "}"
SERVED = f"{{conda_file: conda.yml, image: 'i:1', inference_config: {SERVER}}}"
IMAGE = """
stage: dev
workspace: {name: mlw-risk, location: eastus}
models: [{name: churn, path: model}]
environments: [{name: sk, image: i:1, conda_file: conda.yml}, {name: bare, image: i:1}]
container_registry:
  images:
    - name: churn
      model: azureml:churn@latest
      environment: azureml:sk@latest
      code_configuration: {code: code, scoring_script: score.py}
"""


@pytest.fixture
def risk(project: Project) -> Project:
    project.write("model/model.bin", "m")
    project.write("other/model.bin", "o")
    project.write("conda.yml", "dependencies: [python=3.11]")
    project.write("code/score.py", "")
    return project


def with_(*lines: str, without: str = "") -> str:
    kept = "".join(f"{line}\n" for line in IMAGE.splitlines() if not (without and line.strip().startswith(without)))
    return kept + "".join(f"      {line}\n" for line in lines)


def test_an_image_of_the_estate_s_parts(risk: Project) -> None:
    spec = risk.load(IMAGE)
    (image,) = spec.container_registry.images if spec.container_registry else ()
    assert [str(model) for model in image.all_models] == ["azureml:churn@latest"]


def test_the_base_image_may_be_left_out(risk: Project) -> None:
    risk.load(with_("environment: {conda_file: conda.yml}", without="environment: "))


def test_images_in_a_registry_that_exists(risk: Project) -> None:
    registry = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/crrisk"
    risk.load(IMAGE.replace("  images:", f"  existing: {registry}\n  images:"))


@pytest.mark.parametrize(
    "estate",
    [
        IMAGE.replace("azureml:churn@latest", "azureml:CHURN@latest"),
        with_("models: [{path: other}]", without="model: a"),
        with_(
            "environment: {conda_file: {dependencies: [{pip: ['-r https://h.io/r.txt', 'a @ https://h.io/a.whl']}]}}",
            without="environment: a",
        ),
        with_("environment: {conda_file: {dependencies: ['python<=3.12', python>=3.9]}}", without="environment: a"),
    ],
    ids=["names in any case, as Azure's", "one of several needs no name", "files of elsewhere", "a Python new enough"],
)
def test_what_is_right(risk: Project, estate: str) -> None:
    risk.load(estate)


# What is wrong, and what it is said about: the text where the problem points to.
WRONG = {
    "upper case": (IMAGE.replace("- name: churn", "- name: Churn"), "Churn", "repository"),
    "two dots": (IMAGE.replace("- name: churn", "- name: a..b"), "a..b", "repository"),
    "too long for any registry": (IMAGE.replace("- name: churn", f"- name: {'a' * 194}"), "a" * 194, "194 characters"),
    "a tag": (with_("tag: v1"), "v1", "tags are made"),
    "model and models": (with_("models: [{path: other}]"), "[{path: other}]", "exclude each other"),
    "a model that the estate has not": (
        IMAGE.replace("azureml:churn@", "azureml:chrun@"),
        "azureml:chrun@latest",
        "did you mean azureml:churn@latest",
    ),
    "a version that is only in Azure": (IMAGE.replace("churn@latest", "churn:7"), "azureml:churn:7", "download it"),
    "a model in the cloud": (
        with_("model: {path: 'azureml://datastores/d/paths/m'}", without="model:"),
        "{path",
        "is in the cloud",
    ),
    "an environment without packages": (
        IMAGE.replace("azureml:sk@", "azureml:bare@"),
        "azureml:bare@latest",
        "has no conda_file",
    ),
    "an environment that the estate has not": (
        IMAGE.replace("azureml:sk@", "azureml:sck@"),
        "azureml:sck@latest",
        "did you mean azureml:sk@latest",
    ),
    "no name of an image": (
        with_("environment: {conda_file: conda.yml, image: 'Mcr/Base:1'}", without="environment: a"),
        "'Mcr/Base:1'",
        "not the name of an image",
    ),
    "a Python that is too old": (
        with_("environment: {conda_file: {dependencies: [python=3.10]}}", without="environment: a"),
        "{dependencies",
        "python=3.11 or later",
    ),
    "a Python that is too old at its newest": (
        with_("environment: {conda_file: {dependencies: ['python<=3.10.12']}}", without="environment: a"),
        "{dependencies",
        "python=3.11 or later",
    ),
    "a server of its own": (
        with_(
            f"environment: {{conda_file: conda.yml, image: 'i:1', inference_config: {SERVER}}}",
            without="environment: a",
        ),
        "{liveness_route",
        "has a server of its own",
    ),
    "a version that a registry has": (
        IMAGE.replace("{name: churn, path", "{name: churn, version: '7', path").replace(
            "azureml:churn@latest", "azureml://registries/shared/models/churn/versions/7"
        ),
        "azureml://registries/shared/models/churn/versions/7",
        "none of the estate's models",
    ),
    "a file of pip's": (
        with_("environment: {conda_file: {dependencies: [{pip: [-r requirements.txt]}]}}", without="environment: a"),
        "{dependencies",
        "only the conda file itself is there",
    ),
    "a package of a folder": (
        with_("environment: {conda_file: {dependencies: [{pip: [./lib]}]}}", without="environment: a"),
        "{dependencies",
        "only the conda file itself is there",
    ),
    "a variable without a name": (
        with_("environment: {conda_file: {dependencies: [pip], variables: {A B: 1}}}", without="environment: a"),
        "{dependencies",
        "not a name for an environment variable",
    ),
    "a version that leads elsewhere": (
        with_("model: {name: m, version: .., path: model}", without="model:"),
        "..",
        "is no version",
    ),
    "windows": (
        with_("environment: {conda_file: conda.yml, os_type: windows}", without="environment: a"),
        "windows",
        "not for Linux",
    ),
    "registered code": (IMAGE.replace("code: code", "code: azureml:code:1"), "azureml:code:1", "registered in Azure"),
    "a missing model file": (with_("model: {path: modle}", without="model:"), "modle", "did you mean model"),
    "a missing extra file": (with_("extra_files: [labels.txt]"), "labels.txt", "there is no such file"),
    "a missing script": (IMAGE.replace("score.py", "scroe.py"), "scroe.py", "there is no such file"),
    "two extra files of one name": (with_("extra_files: [conda.yml, code/conda.yml]"), "code/conda.yml", "rename one"),
    "keeps nothing": (with_("keep: 0"), "0", "1"),
    "several models without names": (
        with_("models: [{path: model}, {name: b, path: other}]", without="model: a"),
        "{path: model}",
        "has no name",
    ),
    "a model twice, in another case": (
        with_("models: ['azureml:churn@latest', 'azureml:CHURN@latest']", without="model: a"),
        "'azureml:CHURN@latest'",
        "already",
    ),
    "a model twice": (
        with_("models: ['azureml:churn@latest', 'azureml:churn@latest']", without="model: a"),
        "'azureml:churn@latest'",
        "already",
    ),
}


@pytest.mark.parametrize(("estate", "there", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_where_it_stands(risk: Project, estate: str, there: str, said: str) -> None:
    risk.write("code/conda.yml", "other")
    problems = risk.problems(estate)
    found = [problem for problem in problems if said in str(problem)]
    assert found, [str(problem) for problem in problems]
    assert there in risk.source(found[0])


SERVICE = "container_services: [{name: churn-test, image: churn}]\n"


@pytest.mark.parametrize(
    "estate",
    [
        IMAGE.replace("code: code", "code: cod") + SERVICE,
        with_("environment: 5", without="environment: a") + SERVICE,
        IMAGE.replace("path: model", "path: modle", 1) + SERVICE,
    ],
    ids=["no such code", "no environment", "no model in the estate's own"],
)
def test_one_mistake_is_one_problem(risk: Project, estate: str) -> None:
    """A service whose image is wrong names one all the same, and a model whose file is missing is not in the cloud."""
    problems = risk.problems(estate)
    assert len(problems) == 1, [str(problem) for problem in problems]


def test_two_images_of_one_name(risk: Project) -> None:
    again = "".join(f"{line}\n" for line in IMAGE.splitlines()[-4:])
    problem = risk.problem(IMAGE + again)
    assert "two things here are called churn" in str(problem)


def test_a_token_pushes_to_as_many_repositories_as_its_scope_map_takes(risk: Project) -> None:
    """500 actions a scope map (container-registry-limits), and five of them are what there is to do in a repository."""
    head, _, item = IMAGE.partition("    - name: churn\n")
    many = head + "".join(f"    - name: churn-{number}\n{item}" for number in range(100))
    risk.load(many)
    (problem,) = risk.problems(f"{many}    - name: churn\n{item}")
    assert (problem.path, problem.value, problem.allowed) == ("container_registry.images", 101, "at most 100")


def test_a_registry_without_a_workspace_needs_a_group(risk: Project) -> None:
    inline = with_("model: {path: model}", "environment: {conda_file: conda.yml}", without="model").replace(
        "environment: azureml:sk@latest\n", "extra_files: []\n"
    )
    alone = "\n".join(line for line in inline.splitlines() if not line.startswith(("workspace", "environments")))
    assert "has no resource group" in str(risk.problem(alone))
    risk.load(alone.replace("  images:", "  resource_group: rg-risk\n  images:"))


def test_a_layer_is_as_large_as_a_registry_takes(risk: Project) -> None:
    large = risk.folder / "other" / "model.bin"
    with large.open("r+b") as file:
        file.truncate(201 * 2**30)  # a hole: takes no room on disk
    problem = risk.problem(with_("model: {path: other}", without="model: a"))
    assert "201 GiB" in str(problem)
    assert "200 GiB" in str(problem)


SCHEMA = {"type": "object", "required": ["data"], "properties": {"data": {"type": "array"}}}
OPENAPI = {
    "openapi": "3.0.3",
    "paths": {
        "/score": {
            "post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}
        }
    },
    "components": {"schemas": {"In": {**SCHEMA, "properties": {"data": {"type": "array", "nullable": True}}}}},
}
SWAGGER = {
    "swagger": "2.0",
    "paths": {
        "/score": {"post": {"parameters": [{"in": "body", "name": "b", "schema": {"$ref": "#/definitions/In"}}]}}
    },
    "definitions": {"In": SCHEMA},
}
CASES: list[tuple[object, object, str | None]] = [
    (SCHEMA, {"data": []}, None),
    (SCHEMA, {"data": 1}, "$.data: 1 is not of type 'array'"),
    (OPENAPI, {"data": None}, None),
    (OPENAPI, {}, "'data' is a required property"),
    (SWAGGER, {"data": []}, None),
    (SWAGGER, {"data": "x"}, "$.data: 'x' is not of type 'array'"),
    ({"type": "objekt"}, {}, "is no JSON Schema: $.type"),
    ({"openapi": "3.1.0", "paths": {}}, {}, "no POST /score"),
    ([], {}, "says nothing of a request"),
    ({"$ref": "#/nowhere"}, {}, "leads nowhere"),
]


@pytest.mark.parametrize(("schema", "sample", "said"), CASES)
def test_a_sample_is_held_to_the_schema(risk: Project, schema: object, sample: object, said: str | None) -> None:
    risk.write("schema.json", json.dumps(schema))
    risk.write("sample.json", json.dumps(sample))
    estate = with_("request_schema: schema.json", "sample_request: sample.json")
    if said is None:
        risk.load(estate)
    else:
        assert said in str(risk.problem(estate))


REFERENCES = {
    "a": ImageReference(None, "a", None, None),
    "team/a:1": ImageReference(None, "team/a", "1", None),
    "localhost/a": ImageReference("localhost", "a", None, None),
    "mcr.microsoft.com/azureml/x:latest": ImageReference("mcr.microsoft.com", "azureml/x", "latest", None),
    f"127.0.0.1:5000/a@{DIGEST}": ImageReference("127.0.0.1:5000", "a", None, DIGEST),
    f"h.io/a:1@{DIGEST}": ImageReference("h.io", "a", "1", DIGEST),
    **dict.fromkeys(("", "A", "a:", "a b", "a___b", "https://h.io/a", f"a@{DIGEST}0", "a\n", "x" * 256)),
}


@pytest.mark.parametrize(("text", "means"), REFERENCES.items())
def test_references_as_docker_reads_them(text: str, means: ImageReference | None) -> None:
    assert parse(text) == means


def test_an_estate_from_python(tmp_path: Path) -> None:
    """Arguments of a program go through the same rules."""
    (tmp_path / "score.py").touch()
    (tmp_path / "conda.yml").write_text("dependencies: []")
    image = {
        "name": "a",
        "environment": {"conda_file": str(tmp_path / "conda.yml")},
        "code_configuration": {"code": str(tmp_path), "scoring_script": "score.py"},
    }
    spec = StackSpec.from_args({"stage": "dev", "container_registry": {"resource_group": "g", "images": [image]}})
    assert spec.container_registry is not None
    assert not spec.container_registry.images[0].all_models
