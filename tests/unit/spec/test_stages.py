"""One layer for three stages: `{stage}` in names, and names that two stacks cannot both have.

Expected: an online endpoint's name is taken once in an Azure region, a registry's once in all of Azure (docs:
how-to-manage-quotas, naming rules).
"""

import pytest

from azml.spec import StackSpec, assemble, clashes, judge
from azml.spec.errors import Problem
from tests.unit.spec.conftest import Project

LAYER = """
workspace: {{name: "mlw-{name}", location: eastus}}
online_endpoints:
  - name: "{name}"
"""


def estates(project: Project, layer: str, **stacks: str) -> list[tuple[str, Problem]]:
    project.write("shared.yaml", layer)
    found = {}
    for stack, more in stacks.items():
        project.stack(f"extends: [shared.yaml]\n{more}", stack)
        tree = assemble(project.folder, stack)
        found[stack] = (tree, judge(tree))
    return list(clashes(found))


def test_the_stage_stands_in_the_names(project: Project) -> None:
    project.write("endpoint.yml", "name: churn\ndescription: about {stage}\n")
    project.write("blue.yml", "name: blue\nendpoint_name: churn\nmodel: azureml:m:1\nenvironment: azureml:e:1\n"
                  "instance_type: Standard_DS3_v2\n")  # fmt: skip
    made: StackSpec = project.load("""
stage: Prod
tags: {name: "{stage}"}
workspace: {name: "mlw-{stage}", location: eastus, resource_group: "rg-{stage}"}
container_registry: {name: "crrisk{stage}"}
registries: [{name: "reg-{stage}", location: eastus}]
online_endpoints:
  - file: endpoint.yml
    name: churn-{stage}
    deployments: [{file: blue.yml}]
""")
    assert made.workspace is not None
    assert made.container_registry is not None
    assert (made.workspace.name, made.workspace.resource_group) == ("mlw-prod", "rg-prod")
    assert (made.container_registry.name, made.registries[0].name) == ("crriskprod", "reg-prod")
    (endpoint,) = made.online_endpoints
    assert (endpoint.name, endpoint.deployments[0].name) == ("churn-prod", "blue")
    assert endpoint.description == "about {stage}", "only names"
    assert made.tags == {"name": "{stage}"}, "of things, not of tags"


def test_layers_merge_by_the_name_as_it_is_written(project: Project) -> None:
    project.write("shared.yaml", LAYER.format(name="churn-{stage}"))
    made = project.load("""
extends: [shared.yaml]
stage: test
online_endpoints: [{name: "churn-{stage}", auth_mode: aad_token}]
""")
    (endpoint,) = made.online_endpoints
    assert (endpoint.name, endpoint.auth_mode) == ("churn-test", "aad_token")


def test_the_name_with_its_stage_is_what_is_judged(project: Project) -> None:
    problem = project.problem(
        "stage: prod\nworkspace: {name: mlw-x, location: eastus}\n"
        f"online_endpoints: [{{name: '{'e' * 28}-{{stage}}'}}]"
    )
    assert "33 characters" in problem.what
    assert problem.value == f"{'e' * 28}-prod"


def test_a_wrong_stage_is_said_once(project: Project) -> None:
    what = [problem.path for problem in project.problems("stage: staging\nworkspace: {name: 'mlw-{stage}'}")]
    assert what == ["stage"]


def test_one_layer_with_the_stage_in_its_names_serves_three(project: Project) -> None:
    assert (
        estates(project, LAYER.format(name="churn-{stage}"), dev="stage: dev", test="stage: test", prod="stage: prod")
        == []
    )


def test_one_without_it_is_refused_for_the_second_stack(project: Project) -> None:
    found = estates(project, LAYER.format(name="churn"), dev="stage: dev", prod="stage: prod")
    assert [stack for stack, _ in found] == ["prod"]
    problem = found[0][1]
    assert "of stack dev too" in problem.what
    assert "Azure region" in problem.what
    assert problem.fix is not None
    assert "churn-{stage}" in problem.fix
    assert problem.file is not None
    assert (problem.file.name, project.source(problem)) == ("shared.yaml", '"churn"')


@pytest.mark.parametrize(
    ("prod", "clash"),
    [
        ("workspace: {location: westeurope}", False),
        ("online_endpoints: [{name: churn, location: westeurope}]", False),
        ("workspace: {location: East US}", True),
    ],
)
def test_names_are_compared_by_region(project: Project, prod: str, clash: bool) -> None:
    found = estates(project, LAYER.format(name="churn"), dev="stage: dev", prod=f"stage: prod\n{prod}")
    assert bool(found) is clash


def test_registries_are_taken_once_wherever_they_are(project: Project) -> None:
    layer = "registries: [{name: shared, location: eastus}]\ncontainer_registry: {name: crshared}\n"
    found = estates(
        project, layer, dev="stage: dev", prod="stage: prod\nregistries: [{name: shared, location: westus}]"
    )
    assert sorted(problem.path for _, problem in found) == ["container_registry.name", "registries.shared.name"]
    theirs = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/shared"
    used = estates(
        project, f"registries: [{{name: shared, existing: {theirs}}}]\n", dev="stage: dev", prod="stage: prod"
    )
    assert used == [], "what exists may be used by both"
