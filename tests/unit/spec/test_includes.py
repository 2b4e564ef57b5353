"""Layers and included az ml files."""

import pytest

from tests.unit.spec.conftest import HEAD, Project


def test_layers_lie_under_the_stack_file_in_their_order(project: Project) -> None:
    project.write("layers/base.yaml", "stage: dev\ntags: {a: base, b: base, c: base}\nworkspace: {name: mlw-base}\n")
    project.write("layers/team.yaml", "tags: {b: team, c: team}\nworkspace: {location: westus}\n")
    spec = project.load("extends: [layers/base.yaml, layers/team.yaml]\ntags: {c: stack}\n")
    assert spec.tags == {"a": "base", "b": "team", "c": "stack"}
    assert spec.workspace is not None
    assert (spec.workspace.name, spec.workspace.location) == ("mlw-base", "westus")


def test_a_layer_may_extend_layers_relative_to_itself(project: Project) -> None:
    project.write("shared/base.yaml", HEAD)
    project.write("layers/team.yaml", "extends: ../shared/base.yaml\ntags: {team: risk}\n")
    assert project.load("extends: layers/team.yaml\n").tags == {"team": "risk"}


def test_two_layers_may_extend_the_same_one(project: Project) -> None:
    project.write("base.yaml", HEAD)
    project.write("one.yaml", "extends: base.yaml\ntags: {one: '1'}\n")
    project.write("two.yaml", "extends: base.yaml\ntags: {two: '2'}\n")
    assert project.load("extends: [one.yaml, two.yaml]\n").tags == {"one": "1", "two": "2"}


def test_a_circle_is_refused_with_its_chain(project: Project) -> None:
    project.write("one.yaml", "extends: two.yaml\n")
    project.write("two.yaml", "extends: one.yaml\n")
    problem = project.problem("extends: one.yaml\n")
    assert "goes in a circle" in problem.what
    chain = [name.rsplit("/", 1)[-1] for name in problem.what.removeprefix("goes in a circle: ").split(" → ")]
    assert chain == ["one.yaml", "two.yaml", "one.yaml"]
    assert problem.file == project.folder / "two.yaml"


def test_a_layer_may_not_extend_its_stack(project: Project) -> None:
    project.write("one.yaml", "extends: Pulumi.dev.yaml\n")
    assert "goes in a circle" in project.problem("extends: one.yaml\n").what


def test_a_missing_layer_is_a_problem_where_it_is_named(project: Project) -> None:
    project.write("layers/base.yaml", HEAD)
    problem = project.problem("extends: [layers/bas.yaml]\n")
    assert project.source(problem) == "layers/bas.yaml]"
    assert "did you mean base.yaml" in str(problem.fix)


def test_all_files_are_read_before_anything_is_said(project: Project) -> None:
    project.write("one.yaml", "a: [\n")
    project.write("two.yaml", "\tb\n")
    problems = project.problems("extends: [one.yaml, two.yaml, three.yaml]\n")
    assert [problem.file.name for problem in problems if problem.file] == ["Pulumi.dev.yaml", "one.yaml", "two.yaml"]


def test_an_az_ml_file_is_taken_as_it_is_and_overridden(project: Project) -> None:
    project.write("ml/src/score.py")
    project.write("ml/model/model.pkl")
    project.write(
        "ml/deployment.yml",
        "$schema: https://example.org/x.json\nname: blue\nendpoint_name: churn\nmodel: {path: model/model.pkl}\n"
        "code_configuration: {code: src, scoring_script: score.py}\nenvironment: {image: scoring}\n"
        "instance_type: Standard_DS3_v2\ninstance_count: 1\nprovisioning_state: Succeeded\n",
    )
    project.write("ml/endpoint.yml", "name: churn\nauth_mode: key\ntags: {a: file, b: file}\n")
    spec = project.load(
        HEAD + "online_endpoints:\n  - file: ml/endpoint.yml\n    auth_mode: aad_token\n    tags: {b: stack}\n"
        "    deployments:\n      - file: ml/deployment.yml\n        instance_count: 3\n"
    )
    [endpoint] = spec.online_endpoints
    [deployment] = endpoint.deployments
    assert (endpoint.auth_mode, endpoint.tags) == ("aad_token", {"a": "file", "b": "stack"})
    assert (deployment.instance_count, deployment.instance_type) == (3, "Standard_DS3_v2")
    assert deployment.code_configuration is not None
    assert deployment.code_configuration.code == project.folder / "ml" / "src"


def test_an_override_is_relative_to_the_file_it_is_written_in(project: Project) -> None:
    project.write("ml/model.yml", "name: churn\npath: old.pkl\n")
    project.write("new.pkl")
    [model] = project.load(HEAD + "models:\n  - {file: ml/model.yml, path: new.pkl}\n").models
    assert model.path == project.folder / "new.pkl"


def test_deployments_follow_when_their_endpoint_gets_another_name(project: Project) -> None:
    project.write("endpoint.yml", "name: churn\n")
    project.write(
        "deployment.yml",
        "name: blue\nendpoint_name: churn\nmodel: 'azureml:m:1'\nenvironment: 'azureml:e:1'\n"
        "instance_type: Standard_DS3_v2\n",
    )
    estate = HEAD + "online_endpoints:\n  - {file: endpoint.yml, name: NAME, deployments: [{file: deployment.yml}]}\n"
    [endpoint] = project.load(estate.replace("NAME", "churn-prod")).online_endpoints
    assert endpoint.deployments[0].endpoint_name == "churn-prod"


def test_a_deployment_of_another_endpoint_is_refused(project: Project) -> None:
    project.write(
        "deployment.yml",
        "name: blue\nendpoint_name: fraud\nmodel: 'azureml:m:1'\nenvironment: 'azureml:e:1'\n"
        "instance_type: Standard_DS3_v2\n",
    )
    problem = project.problem(HEAD + "online_endpoints:\n  - {name: churn, deployments: [{file: deployment.yml}]}\n")
    assert project.source(problem) == "fraud"
    assert problem.allowed == "churn"


def test_file_is_an_ordinary_key_in_free_maps(project: Project) -> None:
    assert project.load(HEAD + "tags: {file: nowhere.yml}\n").tags == {"file": "nowhere.yml"}


def test_a_problem_in_an_included_file_points_into_it(project: Project) -> None:
    project.write("endpoint.yml", "name: churn\nauth_mod: key\n")
    problem = project.problem(HEAD + "online_endpoints:\n  - file: endpoint.yml\n")
    assert (problem.file, problem.line, problem.column) == (project.folder / "endpoint.yml", 2, 1)
    assert problem.fix == "did you mean auth_mode?"
    assert problem.path == "online_endpoints.churn.auth_mod"


def test_an_included_file_must_hold_a_map(project: Project) -> None:
    project.write("endpoint.yml", "- name: churn\n")
    assert "must hold a map" in project.problem(HEAD + "online_endpoints:\n  - file: endpoint.yml\n").what


def test_one_file_may_not_call_two_things_the_same(project: Project) -> None:
    project.write("base.yaml", HEAD + "online_endpoints:\n  - name: churn\n  - name: churn\n")
    problem = project.problem("extends: base.yaml\nonline_endpoints:\n  - {name: churn, description: x}\n")
    assert problem.what == "two things here are called churn"
    assert (problem.file, problem.line) == (project.folder / "base.yaml", 5)


def test_null_removes_what_a_layer_says(project: Project) -> None:
    project.write("base.yaml", HEAD + "container_registry: {sku: premium}\ntags: {a: x, b: y}\n")
    spec = project.load("extends: base.yaml\ncontainer_registry: null\ntags: {a: null}\n")
    assert spec.container_registry is None
    assert spec.tags == {"b": "y"}


def test_a_registry_s_own_file_is_taken_as_it_is(project: Project) -> None:
    project.write("registry.yml", "name: shared\nlocation: eastus\nreplication_locations: [{location: eastus}]\n")
    made = project.load("stage: dev\nregistries:\n  - file: registry.yml\n    tags: {team: risk}\n")
    (registry,) = made.registries
    assert (registry.name, registry.tags) == ("shared", {"team": "risk"})


@pytest.mark.parametrize(
    ("block", "id_", "name"),
    [
        ("registries", "Microsoft.MachineLearningServices/registries/shared", "shared"),
        ("models", "Microsoft.MachineLearningServices/workspaces/w/models/churn/versions/3", "churn"),
    ],
)
def test_what_exists_is_named_as_its_id_says(project: Project, block: str, id_: str, name: str) -> None:
    existing = f"existing: /subscriptions/s/resourceGroups/g/providers/{id_}"
    assert project.problem(f"{HEAD}{block}:\n  - {existing}\n").fix == f"add name: {name}"
    project.load(f"{HEAD}{block}:\n  - name: {name}\n    {existing}\n")


def test_a_stage_in_braces_needs_quotes(project: Project) -> None:
    assert "quotes" in str(project.problem(HEAD + "registries: [{name: shared-{stage}, location: eastus}]\n").fix)
    assert "{stage}" in str(project.problem(HEAD + "description: {stage}-churn\n").fix)
